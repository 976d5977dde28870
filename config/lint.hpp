// What a policy that can be read may still get wrong: names that lead nowhere, timing that cannot
// work, acting that would be unsafe (errors) or unwise (warnings). Runs on the finished Policy; the
// places say where each part was written.
#pragma once

#include "config/yaml_cursor.hpp"
#include "engine/policy.hpp"

namespace rollbackd {

struct Lint {
    Policy const& policy;
    Catalogue const& catalogue;
    Places const& places;
    Sources& sources;
    bool matrix_is_whole = true;  // else its rows are not judged

    void error(std::string_view path, std::string what) const {
        sources.report(place_of(places, path), false, std::move(what));
    }
    void warn(std::string_view path, std::string what) const {
        sources.report(place_of(places, path), true, std::move(what));
    }
    bool written(std::string_view path) const { return places.contains(path); }
    TypeInfo const* step_type(std::string_view name) const;
};

void lint_names(Lint const& lint);      // channels, hosts, services, playbooks, roles
void lint_daemon(Lint const& lint);     // listen, tls, tokens, limits
void lint_timing(Lint const& lint);     // what cannot happen in the time it is given
void lint_triggers(Lint const& lint);   // answers, absence, severity, matrix
void lint_firewall(Lint const& lint);   // ports that are the way in, looks from inside
void lint_playbooks(Lint const& lint);  // evidence, retries, destruction, ladders

/// "services.shop.triggers.down": where a part of a service was written.
std::string path_of(ServicePolicy const& service, std::string_view part, std::string_view name);

}  // namespace rollbackd

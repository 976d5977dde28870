// The reader's parts: each turns one place of the tree into its struct and reports what is wrong.
// A part that is wrong is still entered under its name, so that others may refer to it.
#pragma once

#include "config/fields.hpp"
#include "config/keys.hpp"
#include "config/load.hpp"
#include "config/templates.hpp"

namespace rollbackd {

/// What every part of the reader shares.
struct PolicyReading {
    Catalogue const& catalogue;
    LoadOptions const& options;
    Policy& policy;
    LoadResult& result;  // for the names of secrets

    /// Hooks of a place without templates.
    ValueHooks plain_hooks() const;
};

/// A map with exactly one type key, and the keys beside it.
struct Form {
    TypeInfo const* type = nullptr;
    YamlCursor params;
};

/// What types a place may have, and how it is called in messages.
struct FormTypes {
    std::vector<TypeInfo> const& types;
    std::vector<std::string> const& later;
    std::string_view what;  // "a signal"
};

MapReader open_form(YamlCursor const& cursor, Section const& section, FormTypes const& types);
/// The one type; reports none, two, and those of later versions. Also finishes the map.
std::optional<Form> find_form(MapReader& map, FormTypes const& types);
/// The type's params; a single value stands for the type's one needed field where `allow_single`.
JsonObject read_form(
    Form const& form, ValueHooks const& hooks, bool allow_single = false,
    Section const* beside = nullptr
);
/// What the type itself has against its params, each at its place.
void report_problems(Form const& form, JsonObject const& params);
void report_problems(YamlCursor const& params, std::vector<Error> const& problems);

/// A list of names; each must be a valid one for a `what`.
std::vector<std::string> read_names(MapReader& map, std::string_view key, std::string_view what);

void read_daemon(PolicyReading const& reading, YamlCursor const& cursor);
void read_channels(PolicyReading const& reading, YamlCursor const& cursor);
void read_hosts(PolicyReading const& reading, YamlCursor const& cursor);
void read_matrix(PolicyReading const& reading, YamlCursor const& cursor);
void read_limits(YamlCursor const& cursor, Limits& limits);
std::vector<Duty> read_duties(YamlCursor const& cursor, ValueHooks const& hooks);
std::optional<Response> read_response(YamlCursor const& cursor);

/// One service under reading: what its signals, triggers and playbooks need of each other.
struct ServiceReading {
    PolicyReading const& reading;
    ServicePolicy& service;
    SignalTable table = {};
    std::set<std::string> unclear = {};  // signals whose kind is not known: their conditions wait

    /// Hooks that put the vars in.
    ValueHooks rendering_hooks() const;
    /// Hooks that check template names against `names`.
    ValueHooks naming_hooks(std::vector<std::string> const& names) const;
    /// Parses and checks a condition, every problem at its place.
    std::optional<Condition> condition(
        YamlCursor const& cursor, std::string const& text, CheckRules const& rules = {}
    ) const;
};

void read_service(PolicyReading const& reading, std::string const& name, YamlCursor const& cursor);
void read_signals(ServiceReading& service, YamlCursor const& cursor);
std::vector<SignalPolicy> read_references(
    PolicyReading const& reading, YamlCursor const& cursor, ValueHooks const& hooks
);
void read_triggers(ServiceReading& service, YamlCursor const& cursor);
void read_playbooks(ServiceReading& service, YamlCursor const& cursor);

}  // namespace rollbackd

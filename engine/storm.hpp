// Storm control: where many services break together, one shared cause is more likely than as many
// bad releases, and undoing them one by one would make it worse (A6 c). docs/decisions.md.
#pragma once

#include "engine/draft.hpp"

namespace rollbackd {

struct Storm {
    std::size_t broken = 0;              // services that broke within storm_window, itself too
    std::vector<std::string> incidents;  // theirs
    std::vector<std::string> services;   // the first of them, by incident
    std::size_t watched = 0;             // services that rollbackd could act on
    std::string shared;                  // a service that storm_services_min of them depend on
    std::string lifted_by;               // a person has let a plan of this storm go since

    bool is_suspected() const;
    /// "3 of 4 services broke within 1m: api, shop, web".
    std::string text() const;
};

constexpr Duration storm_window = std::chrono::minutes(1);
constexpr std::size_t storm_services_min = 3;

/// What broke together with this breach and is still open.
Storm storm_around(Draft const& draft, Incident const& incident, Firing const& firing);
/// A person let one of a storm's plans go: those of the others are judged again, and go too.
void let_storm_go(Draft& draft, std::string const& run);

}  // namespace rollbackd

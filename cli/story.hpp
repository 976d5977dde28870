// What an incident means to the person who reads it, in the one order every line of rollbackd
// follows: what is broken for whom; what rollbackd did, or why not; what it does next; what you
// must do. Pure.
#pragma once

#include "core/json.hpp"

namespace rollbackd::cli {

struct Story {
    std::string broken;
    std::string did;
    std::string next;
    std::string you;  // with the command to copy

    friend bool operator==(Story const&, Story const&) = default;
};

/// The daemon's own words: the same ones its messages and reports use.
Story story_of(Json const& incident);

/// The newest run in one of `states`; nullptr where there is none.
Json const* newest_run(Json const& incident, std::initializer_list<std::string_view> states);
/// "code-rollback to v1".
std::string run_name(Json const& run);
/// "no good version to go back to (no_target, d)".
std::string refusal_text(Json const& refusal);
/// A run's plan hash, whether the API shows the plan or only its hash.
std::string plan_hash(Json const& run);

}  // namespace rollbackd::cli

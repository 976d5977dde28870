// What a forge says of pull requests, in the form of GitHub's REST API: pure, so that every answer
// has a row in a test.
#pragma once

#include "core/json.hpp"

namespace rollbackd {

enum class PullState { open, merged, closed };
BOOST_DESCRIBE_ENUM(PullState, open, merged, closed)

struct PullRequest {
    std::uint64_t number = 0;
    PullState state = PullState::open;
    std::string head;  // the commit its branch stands at
    std::string url;   // for people

    friend bool operator==(PullRequest const&, PullRequest const&) = default;
};

/// One as the forge shows it; an Error where it is none.
Result<PullRequest> read_pull_request(Json const& json);

/// Of a list, newest first: the open one of `branch`, else the newest whose branch stood at `head`;
/// nullopt: there is none.
Result<std::optional<PullRequest>> choose_pull_request(
    Json const& list, std::string_view branch, std::string_view head
);

/// What the forge has against a request: its message and the errors below it, on one line; empty
/// where its answer has none.
std::string forge_message(std::string_view body);

/// Whether the same may be asked again: the forge or what stands before it is busy or away.
bool is_passing_status(unsigned status);

}  // namespace rollbackd

// The four sentences every message, report head and status line consists of (DESIGN A4), in their
// order: what is broken for whom; what rollbackd did, or why not; what it does next; what you must
// do. Pure words about an Incident; messages, the API and the command line all show these.
#pragma once

#include "core/names.hpp"
#include "engine/state.hpp"

namespace rollbackd {

struct Head {
    std::string broken;
    std::string did;
    std::string next;
    std::string must;     // a sentence that holds the command; begins with "nothing" where so
    std::string command;  // ready to paste: what must be done, else where to look
};

/// What the newest run asks a person for.
enum class Asks { nothing, plan, step_approval, manual_step, unsettled_step, manual_check };
BOOST_DESCRIBE_ENUM(Asks, nothing, plan, step_approval, manual_step, unsettled_step, manual_check)

struct Question {
    Asks asks = Asks::nothing;
    std::uint32_t n = 0;  // as steps/{n} names it: steps first, then the entries of verify
    std::string what;
};
Question question_of(Incident const& incident);

/// "cooldown (f): the last run ended 2m ago, …".
std::string refusal_text(Refusal const& refusal);
Head head_of(Incident const& incident);
/// The four as one message, a line each.
std::string message_text(Incident const& incident);
std::string message_text(Incident const& incident, Head const& head);
/// Versions in short, kept apart from every other one that the service knows.
ShortHashes short_versions(ServiceState const& service);

}  // namespace rollbackd

// How a step ended, and the evidence it brought: what the hands report to the head.
#pragma once

#include "core/json.hpp"

namespace rollbackd {

struct Evidence {
    WallTime at{};
    std::string name;
    std::string sha256;
    std::string text;  // bounded, secrets removed

    friend bool operator==(Evidence const&, Evidence const&) = default;
};
BOOST_DESCRIBE_STRUCT(Evidence, (), (at, name, sha256, text))

enum class OutcomeKind { done, failed, unknown, aborted };
BOOST_DESCRIBE_ENUM(OutcomeKind, done, failed, unknown, aborted)

/// How a step ended. failed = known not to have worked; unknown = nobody can say.
struct StepOutcome {
    OutcomeKind kind = OutcomeKind::unknown;
    std::optional<int> exit;
    std::string text;  // for people; output tail, secrets removed
    std::string saved;
    std::vector<Evidence> evidence;
    /// A person's abort reached it, whatever came of that: its mark outlives the daemon, also where
    /// the journal could not be written.
    bool abort_asked = false;
};

}  // namespace rollbackd

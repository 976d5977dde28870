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

/// Which moment a backup is of. Its name may leave that open: of one that says only its day it is
/// known from when to when.
struct BackupTime {
    WallTime from{};
    WallTime to{};

    friend bool operator==(BackupTime const&, BackupTime const&) = default;
};
BOOST_DESCRIBE_STRUCT(BackupTime, (), (from, to))

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
    std::optional<BackupTime> as_of = {};  // of a step that brought a backup back
};

}  // namespace rollbackd

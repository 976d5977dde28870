// What has happened, as far as logs and a journal tell, replayed on a stage in the order of its
// times: the lines of logs through the parsers the daemon uses, deployments, and what people
// judged.
#pragma once

#include "daemon/store/journal.hpp"
#include "engine/policy.hpp"

namespace rollbackd::cli {

/// A log of the past, and the signal it is of; both names empty: of every signal it fits.
struct LogFile {
    std::string path;
    std::string service;
    std::string signal;
};

struct PastDeployment {
    std::string service;
    std::string version;
    WallTime at{};
    bool known_good = false;
};

/// An incident of the past, as a journal has it.
struct PastIncident {
    std::string id;
    std::string service;
    std::string trigger;
    WallTime at{};
    bool false_positive = false;
};

struct History {
    std::vector<LogFile> logs;
    std::vector<PastDeployment> deployments;
    std::vector<PastIncident> incidents;
    std::vector<std::pair<std::string, std::string>> known_good;  // service, version: from before
};

/// What a journal tells of the past: deployments, incidents, verdicts.
Result<void> read_past(Journal const& journal, History& into);

/// A run that would have been begun, or proposed.
struct WouldRun {
    std::string playbook;
    std::string target;
    WallTime at{};
};

struct Found {
    std::string id;
    std::string service;
    std::string trigger;
    std::string severity;
    std::string why;  // the arithmetic
    bool alert_only = false;
    WallTime opened_at{};
    std::optional<WallTime> over_at;  // the breach, in history
    std::optional<WouldRun> would;
    std::vector<std::string> refusals;  // "no_target (d): …"
    std::string past;                   // the incident of the journal that it is
    bool false_positive = false;        // a person judged that one so
};

struct LogCount {
    std::string path;
    std::uint64_t lines = 0;
    std::uint64_t samples = 0;
    std::uint64_t unreadable = 0;
};

struct Backtest {
    std::vector<LogCount> logs;
    std::vector<std::string> silent;  // signals without history: "shop/health"
    std::vector<Found> found;
    std::vector<PastIncident> missed;  // in the journal, and not found again
    std::optional<WallTime> from, to;
};

/// Errors: a log cannot be read, or is of no signal.
Result<Backtest> backtest_over(std::shared_ptr<Policy const> policy, History const& history);

}  // namespace rollbackd::cli

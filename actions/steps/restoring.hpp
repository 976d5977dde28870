// What the steps that bring a backup back share: which file, by its name or by a rule, and the next
// older one where that cannot be used.
#pragma once

#include "actions/preflight.hpp"
#include "actions/steps/backup_choice.hpp"
#include "actions/steps/job.hpp"
#include "core/descriptor.hpp"

#include <functional>

namespace rollbackd {

/// Exit status by which a restoring script says: not this one, another may do.
inline constexpr int useless_exit = 20;

/// file | folder, name, before, tries. `what` they hold, in a word: "backups".
std::vector<Field> restoring_fields(std::string const& what);
std::vector<std::string> restoring_alternatives();
std::vector<Error> restoring_problems(JsonObject const& params);
/// "the newest backup shop… from before 2026-… in /backups", or the file, for a dry run.
std::string restoring_words(JsonObject const& params);

struct Restored {
    std::string told;                // what became of each, for people
    std::optional<StepOutcome> end;  // none: one is restored beside what is there
};

/// Carries `restore` out for one backup after the other until one does, each a process of record.
/// What was chosen is remembered with the step: a later life goes on with the same files.
boost::asio::awaitable<Restored> restore_first_usable(
    StepJob& job, std::vector<std::string> endings,
    std::function<Command(std::string const& path)> restore
);

/// When settling: which of them the newest attempt has restored, for whoever asks of what moment it
/// is.
boost::asio::awaitable<void> recall_backup(StepJob& job, std::vector<std::string> endings);

/// What speaks against each backup that would be tried, looked at one after the other by what
/// `look` asks; nullopt: one of them will do.
boost::asio::awaitable<std::optional<Objection>> look_for_backup(
    StepJob& job, std::vector<std::string> endings,
    std::function<Command(std::string const& path)> look
);

}  // namespace rollbackd

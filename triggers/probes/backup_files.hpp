// Backups as files: which there are, and whether the newest is as its predecessors were. Finding
// blocks (called in the pool); judging is pure.
#pragma once

#include "core/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rollbackd {

inline constexpr std::size_t backup_entries_max = 200'000;

struct BackupFile {
    std::string path;
    std::uint64_t size = 0;
    WallTime modified;

    friend bool operator==(BackupFile const&, BackupFile const&) = default;
};

struct BackupPattern {
    std::string folder;
    std::string pattern;  // shell wildcards; a slash goes one folder down: "*/app_*.sql.gz"
    std::vector<std::string> exclude;  // of names
};

/// Newest first. A folder that is not there holds none; one that may not be read is an Error.
Result<std::vector<BackupFile>> find_backups(BackupPattern const& pattern);

struct BackupRules {
    std::optional<Duration> max_age;
    std::uint64_t min_size = 0;
    double shrink = 0;  // smaller than this share of the predecessors' middle size has failed
    std::size_t count = 1;
    Duration settle{};  // younger ones may still be written
};

inline constexpr std::size_t predecessors_max = 5;

struct BackupJudgement {
    std::optional<BackupFile> newest;  // that is not being written any more
    std::string problem;               // with its slug; empty: none
};

BackupJudgement judge_backups(
    std::vector<BackupFile> const& files, BackupRules const& rules, WallTime now
);

/// The command that reads a backup to its end without restoring it; empty: none is known for that
/// name.
std::vector<std::string> reading_command(std::string const& path, std::string const& how);

}  // namespace rollbackd

// Which backup: by its name and the time in it, of files that another machine has listed. Pure.
// An emergency, broken, forensic or post-rollback one may hold the damage and is never chosen; one
// that says only its day is taken to be of that day's end.
#pragma once

#include "actions/outcome.hpp"

namespace rollbackd {

struct BackupRule {
    std::string name;                  // how file names begin
    std::vector<std::string> endings;  // ".dump"
    std::size_t most = 3;              // how many are tried
};

struct StoredBackup {
    std::string path;
    std::uint64_t bytes = 0;
    std::int64_t at = 0;     // seconds since 1970
    std::int64_t since = 0;  // at the earliest: its name says no more than the minute, or the day

    friend bool operator==(StoredBackup const&, StoredBackup const&) = default;
};

/// What list_backups_script prints: "zone +0100", "before SECONDS", then "BYTES\tPATH" a line.
/// Those made before that, the newest first. An Error says which there were and why none fits.
Result<std::vector<StoredBackup>> choose_backups(std::string_view listing, BackupRule const& rule);

/// Which backups have had their time. Those that may hold the damage are never counted as good.
struct RetentionRule {
    std::string folder;                // nothing outside of it, whatever a listing says
    std::string name;                  // how file names begin
    std::vector<std::string> endings;  // each a kind of its own, with its own newest
    std::int64_t older_than_s = 0;
    bool emergency = false;  // emergency, broken, forensic and post-rollback ones too
};

struct Retention {
    /// Of each kind, the newest first: those of which the newest readable ones stay.
    std::vector<std::vector<StoredBackup>> good;
    std::vector<StoredBackup> apart;  // may hold the damage, and are old enough to go
    std::int64_t before = 0;          // what was made before that may go

    friend bool operator==(Retention const&, Retention const&) = default;
};

/// `listing` as for choose_backups, "before" being now. One without a time in its name, or made
/// after now, is neither good nor ever deleted.
Result<Retention> sort_backups(std::string_view listing, RetentionRule const& rule);

/// Of one kind: what may go once `readable` are known to be, the newest first. Nothing where they
/// are fewer than `newest`, or where one of them is not of this kind.
std::vector<StoredBackup> old_backups(
    std::vector<StoredBackup> const& good, std::vector<std::string> const& readable,
    std::size_t newest, std::int64_t before
);

/// The moment it is of.
BackupTime time_of(StoredBackup const& backup);
/// Of one that is named by its path, on a machine whose clock is in that zone ("+0100"); nullopt:
/// its name says no time.
std::optional<BackupTime> time_of(std::string_view path, std::string_view zone);

/// The time in a file name as if it were UTC: 20261122_213000, _2130, -2026-11-22T21-30-00,
/// 20261122.
std::optional<std::int64_t> stamp_of(std::string_view name);

/// $1 folder, $2 before: any time date -d reads. Folders by month are looked into.
inline constexpr char const* list_backups_script = R"sh(
[ -d "$1" ] || { echo "$1: no such folder" >&2; exit 10; }
before=$(date -d "$2" +%s) && [ -n "$2" ] || { echo "\"$2\" is no time" >&2; exit 10; }
printf 'zone %s\nbefore %s\n' "$(date +%z)" "$before"
find "$1/" -maxdepth 2 -type f -printf '%s\t%p\n'
)sh";

}  // namespace rollbackd

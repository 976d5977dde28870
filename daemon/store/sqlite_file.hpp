// What must be true of a database file before the journal lives in it: where it may be, whose it
// is, which format it has, and that nobody else writes it. Everything here leaves a refused file as
// it was and says how to mend the cause.
#pragma once

#include "daemon/store/journal.hpp"
#include "daemon/store/sqlite.hpp"

namespace rollbackd::sqlite {

/// "rbkd": stands in the file's header, so that `file` and other programs can tell whose it is.
inline constexpr std::int64_t application_id = 0x72626b64;
/// Raised with every change of the tables; a file with a higher one is refused.
inline constexpr std::int64_t format_version = 1;

/// The absolute path in sqlite:/path, with symbolic links followed, so that two spellings of one
/// store meet at one lock.
Result<std::string> path_of(std::string const& store_url);

enum class FileState { missing, empty, ours };

/// Refuses directories, missing parents, files we may not use, foreign, newer and garbage files.
/// Reads at most the header; opens no database.
Result<FileState> inspect(std::string const& path, OpenMode mode);

/// The exclusive lock beside the store, held until destroyed or the process ends, however it ends.
class StoreLock {
public:
    static Result<StoreLock> take(std::string const& path);

    StoreLock(StoreLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    StoreLock& operator=(StoreLock&&) = delete;
    ~StoreLock();

private:
    explicit StoreLock(int descriptor) : descriptor_(descriptor) {}

    int descriptor_;
};

/// The files of an open store. What is written to one that has lost its name, or lost it to another
/// file, is gone at the next start: that is no record.
class StoreFiles {
public:
    StoreFiles() = default;
    explicit StoreFiles(std::string const& path);
    /// Both are where they were.
    Result<void> still_there() const;

private:
    struct Mark {
        std::string name;
        std::uint64_t device = 0;
        std::uint64_t inode = 0;
    };
    std::vector<Mark> marks_;
};

/// Makes an empty file that only its owner may write and its group may read.
Result<void> create_file(std::string const& path);
/// Makes the tables in an empty database, in one transaction.
Result<void> create_tables(Connection& connection);
/// True: no table was ever made in it (a creation that a crash cut short).
Result<bool> is_blank(Connection& connection);
/// The tables and triggers are exactly those of this format.
Result<void> check_tables(Connection& connection, std::string const& path);

}  // namespace rollbackd::sqlite

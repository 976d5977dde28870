#include "daemon/store/sqlite_journal.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <filesystem>

namespace rollbackd {

using sqlite::Connection;
using sqlite::Statement;
using Statements = SqliteJournal::Statements;

namespace {

Result<Statements> prepare_all(Connection& connection) {
    std::vector<Statement> made;
    for (std::string_view const sql : {
             "SELECT seq, hash, epoch FROM head WHERE one = 1",
             "SELECT seq, at, boot, boot_id, epoch, kind, body, prev, hash FROM record "
             "WHERE seq >= ? ORDER BY seq LIMIT ?",
             "SELECT seq, hash, text, sum FROM checkpoint WHERE name = ?",
             "INSERT INTO record(seq, at, boot, boot_id, epoch, kind, body, prev, hash) "
             "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
             "UPDATE head SET seq = ?, hash = ?, epoch = ? WHERE one = 1",
             "INSERT OR REPLACE INTO checkpoint(name, seq, hash, text, sum) VALUES (?, ?, ?, ?, ?)",
         }) {
        auto statement = connection.prepare(sql);
        if (!statement) return tl::unexpected<Error>(statement.error());
        made.push_back(std::move(*statement));
    }
    return Statements{std::move(made[0]), std::move(made[1]), std::move(made[2]),
                      std::move(made[3]), std::move(made[4]), std::move(made[5])};
}

// WAL: readers and the writer do not wait for each other. FULL: a commit is one sync, and on disk.
Result<void> make_durable(Connection& connection, std::string const& path) {
    if (auto set =
            connection.execute("PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 4194304");
        !set) {
        return set;
    }
    auto mode = connection.prepare("PRAGMA journal_mode = WAL");
    if (!mode) return tl::unexpected<Error>(mode.error());
    auto const row = mode->step();
    if (!row) return tl::unexpected<Error>(row.error());
    if (!*row || mode->text(0) != "wal") {
        return fail(
            Errc::io, "its file system cannot hold a write-ahead log; use a local disk", path
        );
    }
    return {};
}

Result<std::unique_ptr<SqliteJournal>> make(
    std::optional<sqlite::StoreLock> lock, Connection connection, std::string const& path
) {
    auto statements = prepare_all(connection);
    if (!statements) return tl::unexpected<Error>(statements.error());
    return std::make_unique<SqliteJournal>(
        std::move(lock), std::move(connection), std::move(*statements), path
    );
}

bool exists(std::string const& path) {
    return faccessat(AT_FDCWD, path.c_str(), F_OK, AT_EACCESS) == 0;
}

// Opens beside a running daemon. Without a log and in a directory where none can be made (a backup
// on a read-only medium) the file cannot change and needs no side files.
Result<std::unique_ptr<SqliteJournal>> open_reader(std::string const& path) {
    auto const directory = std::filesystem::path(path).parent_path().string();
    sqlite::OpenOptions options;
    options.immutable =
        !exists(path + "-wal") && faccessat(AT_FDCWD, directory.c_str(), W_OK, AT_EACCESS) != 0;
    auto connection = Connection::open(path, options);
    if (!connection) return tl::unexpected<Error>(connection.error());
    if (auto ok = sqlite::check_tables(*connection, path); !ok) {
        return tl::unexpected<Error>(ok.error());
    }
    return make(std::nullopt, std::move(*connection), path);
}

Result<std::unique_ptr<SqliteJournal>> open_writer(
    std::string const& path, sqlite::FileState state
) {
    auto lock = sqlite::StoreLock::take(path);
    if (!lock) return tl::unexpected<Error>(lock.error());
    if (state == sqlite::FileState::missing) {
        if (auto made = sqlite::create_file(path); !made) {
            return tl::unexpected<Error>(made.error());
        }
    }
    // A rollback log is only ever there when the very first transaction was cut short by a crash.
    if (state == sqlite::FileState::ours && !exists(path + "-journal")) {
        // Judged through a reader first: a writer would already fold the log into a damaged file.
        auto const reader = open_reader(path);
        if (!reader) return tl::unexpected<Error>(reader.error());
        if (auto ok = (*reader)->check_end(); !ok) return tl::unexpected<Error>(ok.error());
    }
    sqlite::OpenOptions options;
    options.write = true;
    auto connection = Connection::open(path, options);
    if (!connection) return tl::unexpected<Error>(connection.error());
    auto const blank = sqlite::is_blank(*connection);
    if (!blank) return tl::unexpected<Error>(blank.error());
    if (*blank) {
        if (auto made = sqlite::create_tables(*connection); !made) {
            return tl::unexpected<Error>(made.error());
        }
    }
    if (auto ok = sqlite::check_tables(*connection, path); !ok) {
        return tl::unexpected<Error>(ok.error());
    }
    if (auto ok = make_durable(*connection, path); !ok) return tl::unexpected<Error>(ok.error());
    return make(std::move(*lock), std::move(*connection), path);
}

}  // namespace

Result<std::unique_ptr<Journal>> open_sqlite_journal(std::string const& path, OpenMode mode) {
    auto const state = sqlite::inspect(path, mode);
    if (!state) return tl::unexpected<Error>(state.error());
    if (mode == OpenMode::read_only && *state == sqlite::FileState::empty) {
        return fail(Errc::corrupt, "is an empty file, not a journal of rollbackd", path);
    }
    auto journal = mode == OpenMode::read_only ? open_reader(path) : open_writer(path, *state);
    if (!journal) return tl::unexpected<Error>(journal.error());
    if (auto ok = (*journal)->start(); !ok) return tl::unexpected<Error>(ok.error());
    return std::unique_ptr<Journal>(std::move(*journal));
}

}  // namespace rollbackd

#include "daemon/store/sqlite_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace rollbackd::sqlite {

namespace {

namespace fs = std::filesystem;

// The whole format. The triggers keep an honest mistake from rewriting history; the hash chain
// shows a dishonest one. See docs/journal.md, which a test compares with these.
constexpr std::array<std::string_view, 8> tables{
    "CREATE TABLE record(seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, boot INTEGER NOT NULL, "
    "boot_id TEXT NOT NULL, epoch INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, "
    "prev TEXT NOT NULL, hash TEXT NOT NULL) STRICT",
    "CREATE TABLE head(one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, "
    "hash TEXT NOT NULL, epoch INTEGER NOT NULL) STRICT",
    "CREATE TABLE checkpoint(name TEXT PRIMARY KEY, seq INTEGER NOT NULL, hash TEXT NOT NULL, "
    "text TEXT NOT NULL, sum TEXT NOT NULL) STRICT",
    "CREATE TRIGGER record_append BEFORE INSERT ON record "
    "WHEN NEW.seq IS NOT (SELECT seq + 1 FROM head) OR NEW.prev IS NOT (SELECT hash FROM head) "
    "BEGIN SELECT RAISE(ABORT, 'the journal only grows at its end'); END",
    "CREATE TRIGGER record_update BEFORE UPDATE ON record "
    "BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END",
    "CREATE TRIGGER record_delete BEFORE DELETE ON record "
    "BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END",
    "CREATE TRIGGER head_update BEFORE UPDATE ON head "
    "WHEN NEW.seq < OLD.seq OR NEW.epoch < OLD.epoch "
    "BEGIN SELECT RAISE(ABORT, 'the journal never goes back'); END",
    "CREATE TRIGGER head_delete BEFORE DELETE ON head "
    "BEGIN SELECT RAISE(ABORT, 'the journal has one head'); END",
};

// Of SQLite's file header: https://www.sqlite.org/fileformat2.html
constexpr int header_bytes = 100;
constexpr std::string_view magic{"SQLite format 3\0", 16};
constexpr std::size_t user_version_at = 60;
constexpr std::size_t application_id_at = 68;

std::int64_t big_endian(std::string const& header, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        value = (value << 8U) | static_cast<unsigned char>(header[at + i]);
    }
    return value;
}

tl::unexpected<Error> refused(int error, std::string const& path, std::string const& mend) {
    return fail(Errc::io, std::string(std::strerror(error)) + "; " + mend, path);
}

bool may(std::string const& path, int what) {
    return faccessat(AT_FDCWD, path.c_str(), what, AT_EACCESS) == 0;
}

Result<void> check_directory(std::string const& directory, OpenMode mode, bool file_exists) {
    struct stat found{};
    if (stat(directory.c_str(), &found) != 0) {
        if (errno == ENOENT) {
            return fail(
                Errc::not_found,
                "the store's directory does not exist; create it for the user running this "
                "(systemd does with StateDirectory=rollbackd), or change daemon.store",
                directory
            );
        }
        return refused(errno, directory, "the user running this must be able to reach it");
    }
    if (!S_ISDIR(found.st_mode)) {
        return fail(Errc::invalid, "is not a directory; change daemon.store", directory);
    }
    // Only a writer needs to make files here: the lock, the write-ahead log, a new store.
    bool const writes = mode == OpenMode::read_write || !file_exists;
    if (!may(directory, X_OK) || (writes && !may(directory, W_OK))) {
        return refused(
            errno, directory,
            "the store's directory must belong to the user running this (chown it), or run as its "
            "owner"
        );
    }
    return {};
}

Result<void> check_header(std::string const& path, std::string const& header) {
    if (header.size() < std::size_t(header_bytes) ||
        std::string_view(header).substr(0, magic.size()) != magic) {
        return fail(
            Errc::corrupt,
            "is not a journal of rollbackd (not even an SQLite database); point daemon.store to "
            "another file, or restore this one from a backup",
            path
        );
    }
    auto const owner = big_endian(header, application_id_at);
    auto const version = big_endian(header, user_version_at);
    if (owner != application_id) {
        return fail(
            Errc::invalid,
            "is an SQLite database of another program; point daemon.store to another file", path
        );
    }
    if (version > format_version) {
        return fail(
            Errc::invalid,
            "was written by a newer rollbackd (journal format " + std::to_string(version) +
                ", this one knows " + std::to_string(format_version) +
                "); install that version again, or point daemon.store to another file",
            path
        );
    }
    if (version != format_version) {
        return fail(
            Errc::corrupt,
            "has an unknown journal format (" + std::to_string(version) +
                "); restore it from a backup",
            path
        );
    }
    return {};
}

}  // namespace

Result<std::string> path_of(std::string const& store_url) {
    constexpr std::string_view scheme = "sqlite:";
    std::string path = store_url;
    if (path.starts_with("postgresql:") || path.starts_with("postgres:")) {
        return fail(
            Errc::invalid, "this version keeps its journal in SQLite; write sqlite:/path", store_url
        );
    }
    if (path.starts_with(scheme)) {
        path.erase(0, scheme.size());
        if (path.starts_with("//")) path.erase(0, 2);
    } else if (!path.starts_with("/") && !path.starts_with("./") && !path.starts_with("../")) {
        return fail(
            Errc::invalid,
            "is no store; write sqlite:/path, for example sqlite:/var/lib/rollbackd/rollbackd.db",
            store_url
        );
    }
    if (path.empty() || path.find('\0') != std::string::npos) {
        return fail(Errc::invalid, "names no file; write sqlite:/path", store_url);
    }
    std::error_code code;
    auto const whole = fs::absolute(path, code);
    if (code) return fail(Errc::io, code.message(), path);
    auto const real = fs::weakly_canonical(whole, code);
    // Where links cannot be followed the checks to come say why, with the path as given.
    return code ? whole.lexically_normal().string() : real.string();
}

Result<FileState> inspect(std::string const& path, OpenMode mode) {
    struct stat found{};
    bool const exists = stat(path.c_str(), &found) == 0;
    int const error = exists ? 0 : errno;
    auto const directory = fs::path(path).parent_path().string();
    if (auto ok = check_directory(directory, mode, exists || mode == OpenMode::read_only); !ok) {
        return tl::unexpected<Error>(ok.error());
    }
    if (!exists) {
        if (error != ENOENT) return refused(error, path, "the user running this must reach it");
        if (mode == OpenMode::read_write) return FileState::missing;
        return fail(
            Errc::not_found,
            "no such file; name the store with --store sqlite:/path (the daemon makes it at its "
            "first start)",
            path
        );
    }
    if (S_ISDIR(found.st_mode)) {
        return fail(
            Errc::invalid,
            "is a directory; name a file in it, for example " + path + "/rollbackd.db", path
        );
    }
    if (!S_ISREG(found.st_mode)) {
        return fail(Errc::invalid, "is not a regular file; change daemon.store", path);
    }
    if (!may(path, mode == OpenMode::read_write ? R_OK | W_OK : R_OK)) {
        return refused(
            errno, path,
            "the file must belong to the user running this (chown it), or run as its owner"
        );
    }
    if (found.st_size == 0) return FileState::empty;
    auto const header = read_head(path, header_bytes);
    if (!header) return tl::unexpected<Error>(header.error());
    if (auto ok = check_header(path, *header); !ok) return tl::unexpected<Error>(ok.error());
    return FileState::ours;
}

Result<StoreLock> StoreLock::take(std::string const& path) {
    auto const name = path + ".lock";
    int const descriptor = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (descriptor < 0) {
        return refused(errno, name, "the user running this must be able to write it");
    }
    StoreLock lock(descriptor);
    // flock, not fcntl: it also keeps out a second opening in this very process, and it ends with
    // the process however that ends, so nothing is left behind to be cleaned up by hand.
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return refused(errno, name, "the file system must support locks");
        std::array<char, 24> holder{};
        auto const read = pread(descriptor, holder.data(), holder.size() - 1, 0);
        std::string const pid(holder.data(), read > 0 ? std::strcspn(holder.data(), "\n") : 0);
        return fail(
            Errc::conflict,
            "the store is in use by another rollbackd" + (pid.empty() ? "" : " (pid " + pid + ")") +
                "; stop that one first, or give this one its own daemon.store",
            path
        );
    }
    auto const pid = std::to_string(getpid()) + "\n";
    // Only for the sentence above: a full disk must not keep the daemon from its lock.
    if (ftruncate(descriptor, 0) == 0) (void)!pwrite(descriptor, pid.data(), pid.size(), 0);
    return lock;
}

StoreLock::~StoreLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

StoreFiles::StoreFiles(std::string const& path) {
    for (auto const& name : {path, path + "-wal"}) {
        struct stat found{};
        if (stat(name.c_str(), &found) == 0) marks_.push_back({name, found.st_dev, found.st_ino});
    }
}

Result<void> StoreFiles::still_there() const {
    for (auto const& mark : marks_) {
        struct stat found{};
        bool const there = stat(mark.name.c_str(), &found) == 0;
        if (there && found.st_dev == mark.device && found.st_ino == mark.inode) continue;
        return fail(
            Errc::io,
            mark.name +
                " was removed or replaced while in use: put it back, or stop rollbackd and restore "
                "the store from a backup",
            {}
        );
    }
    return {};
}

Result<void> create_file(std::string const& path) {
    int const descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (descriptor < 0)
        return refused(errno, path, "the user running this must be able to make it");
    ::close(descriptor);
    return {};
}

Result<void> create_tables(Connection& connection) {
    std::string sql = "BEGIN EXCLUSIVE; PRAGMA application_id = " + std::to_string(application_id) +
                      "; PRAGMA user_version = " + std::to_string(format_version) + ";";
    for (auto const table : tables) sql += std::string(table) + ";";
    sql += "INSERT INTO head(one, seq, hash, epoch) VALUES (1, 0, '" + std::string(genesis_hash) +
           "', 0); COMMIT;";
    return connection.execute(sql);
}

Result<bool> is_blank(Connection& connection) {
    auto const objects = connection.integer("SELECT count(*) FROM sqlite_schema");
    if (!objects) return tl::unexpected<Error>(objects.error());
    auto const version = connection.integer("PRAGMA user_version");
    if (!version) return tl::unexpected<Error>(version.error());
    return *objects == 0 && *version == 0;
}

Result<void> check_tables(Connection& connection, std::string const& path) {
    auto statement = connection.prepare("SELECT count(*) FROM sqlite_schema WHERE sql = ?");
    if (!statement) return tl::unexpected<Error>(statement.error());
    for (auto const table : tables) {
        statement->bind(0, table);
        auto const row = statement->step();
        if (!row) return tl::unexpected<Error>(row.error());
        if (statement->integer(0) != 1) {
            return fail(
                Errc::corrupt, "its tables were changed by somebody else; restore it from a backup",
                path
            );
        }
        statement->reset();
    }
    return {};
}

}  // namespace rollbackd::sqlite

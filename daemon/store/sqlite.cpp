#include "daemon/store/sqlite.hpp"

#include <sqlite3.h>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <vector>

namespace rollbackd::sqlite {

namespace {

// How long a statement waits for another process (a verify, a backup) before it gives up.
constexpr int busy_timeout_ms = 2000;
// Negative: KiB. The journal is written at its end and read once; a large cache only costs memory.
constexpr std::string_view connection_pragmas =
    "PRAGMA cache_size = -512; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY;"
    "PRAGMA foreign_keys = OFF; PRAGMA trusted_schema = OFF;";

Error error_of(int code, std::string const& detail, std::string const& path) {
    int const primary = code & 0xff;
    switch (primary) {
        case SQLITE_FULL:
            return {Errc::unavailable, "the disk is full; free some space", path};
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return {
                Errc::unavailable,
                "locked by another process; see `fuser -v` on it, end that process or wait", path
            };
        case SQLITE_NOTADB:
            return {
                Errc::corrupt,
                "not a database; point daemon.store to another file or restore this one", path
            };
        case SQLITE_CORRUPT:
            return {
                Errc::corrupt,
                "the database is damaged (" + detail +
                    "); keep a copy, then restore it from a backup",
                path
            };
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
        case SQLITE_AUTH:
        case SQLITE_READONLY:
            return {
                Errc::io,
                "cannot be opened or written (" + detail +
                    "); the file and its directory must belong to the user running this",
                path
            };
        case SQLITE_IOERR:
            return {
                Errc::unavailable,
                "input/output error (" + detail + "); check the disk and its free space", path
            };
        case SQLITE_NOMEM:
            return {Errc::unavailable, "out of memory", path};
        default:
            return {Errc::internal, "SQLite says: " + detail, path};
    }
}

tl::unexpected<Error> failed(sqlite3* handle, int code, std::string const& path) {
    std::string detail = handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code);
    // "disk I/O error" names no cause; the operating system's word does.
    int const os = handle != nullptr ? sqlite3_system_errno(handle) : 0;
    if ((code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN) {
        if (os == ENOSPC || os == EDQUOT || os == EFBIG) {
            return tl::unexpected<Error>(error_of(SQLITE_FULL, detail, path));
        }
        if (os != 0) detail += std::string(", ") + std::strerror(os);
    }
    return tl::unexpected<Error>(error_of(code, detail, path));
}

// SQLite reads names as URIs where asked to; what is special in one is escaped.
std::string as_uri(std::string const& path, bool immutable) {
    std::string uri = "file:";
    for (char const c : path) {
        constexpr std::string_view digits = "0123456789ABCDEF";
        auto const byte = static_cast<unsigned char>(c);
        if (c == '%' || c == '?' || c == '#' || byte < 0x20) {
            uri += {'%', digits[byte >> 4U], digits[byte & 15U]};
        } else {
            uri += c;
        }
    }
    return immutable ? uri + "?immutable=1" : uri;
}

}  // namespace

Statement::Statement(sqlite3* connection, sqlite3_stmt* statement, std::string place)
    : connection_(connection), statement_(statement), place_(std::move(place)) {}

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

void Statement::bind(int column, std::uint64_t value) {
    bind(column, static_cast<std::int64_t>(value));
}

void Statement::bind(int column, std::int64_t value) {
    sqlite3_bind_int64(statement_.get(), column + 1, value);
}

void Statement::bind(int column, std::string_view value) {
    // An empty view may have a null pointer, which SQLite would store as NULL.
    sqlite3_bind_text64(
        statement_.get(), column + 1, value.data() == nullptr ? "" : value.data(), value.size(),
        SQLITE_STATIC, SQLITE_UTF8
    );
}

Result<bool> Statement::step() {
    int const code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    auto problem = failed(connection_, sqlite3_extended_errcode(connection_), place_);
    sqlite3_reset(statement_.get());
    return problem;
}

Result<void> Statement::run() {
    auto const row = step();
    reset();
    if (!row) return tl::unexpected<Error>(row.error());
    return {};
}

void Statement::reset() {
    sqlite3_reset(statement_.get());
    sqlite3_clear_bindings(statement_.get());
}

std::optional<std::int64_t> Statement::integer(int column) const {
    if (sqlite3_column_type(statement_.get(), column) != SQLITE_INTEGER) return std::nullopt;
    return sqlite3_column_int64(statement_.get(), column);
}

std::optional<std::string> Statement::text(int column) const {
    if (sqlite3_column_type(statement_.get(), column) != SQLITE_TEXT) return std::nullopt;
    auto const* const bytes = sqlite3_column_text(statement_.get(), column);
    if (bytes == nullptr) return std::nullopt;
    auto const size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
    return std::string(reinterpret_cast<char const*>(bytes), size);
}

void Connection::Close::operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }

Result<Connection> Connection::open(std::string const& path, OpenOptions options) {
    int flags = options.write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    if (options.create) flags |= SQLITE_OPEN_CREATE;
    flags |= SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    sqlite3* handle = nullptr;
    int const code =
        sqlite3_open_v2(as_uri(path, options.immutable).c_str(), &handle, flags, nullptr);
    Connection connection;
    connection.handle_.reset(handle);  // even a failed open leaves one to be closed
    connection.path_ = path;
    if (code != SQLITE_OK) return failed(handle, code, path);
    sqlite3_busy_timeout(handle, busy_timeout_ms);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    if (auto set = connection.execute(std::string(connection_pragmas)); !set) {
        return tl::unexpected<Error>(set.error());
    }
    return connection;
}

Result<void> Connection::execute(std::string const& sql) {
    int const code = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return failed(handle_.get(), code, path_);
    return {};
}

Result<Statement> Connection::prepare(std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    int const code = sqlite3_prepare_v3(
        handle_.get(), sql.data(), static_cast<int>(sql.size()), 0, &statement, nullptr
    );
    if (code != SQLITE_OK) return failed(handle_.get(), code, path_);
    return Statement(handle_.get(), statement, path_);
}

Result<std::int64_t> Connection::integer(std::string_view sql) {
    auto statement = prepare(sql);
    if (!statement) return tl::unexpected<Error>(statement.error());
    auto const row = statement->step();
    if (!row) return tl::unexpected<Error>(row.error());
    auto const value = *row ? statement->integer(0) : std::nullopt;
    if (!value) return fail(Errc::corrupt, "a number is missing where the store keeps one", path_);
    return *value;
}

bool Connection::in_transaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }

Result<std::string> read_head(std::string const& path, int bytes) {
    sqlite3_vfs* const vfs = sqlite3_vfs_find(nullptr);
    if (vfs == nullptr) return fail(Errc::internal, "SQLite has no file system", path);
    // sqlite3_file is a struct the file system extends to szOsFile bytes.
    std::vector<std::max_align_t> storage(
        static_cast<std::size_t>(vfs->szOsFile) / sizeof(std::max_align_t) + 1
    );
    auto* const file = reinterpret_cast<sqlite3_file*>(storage.data());
    std::memset(storage.data(), 0, storage.size() * sizeof(std::max_align_t));
    std::unique_ptr<char const, void (*)(char const*)> const name(
        sqlite3_create_filename(path.c_str(), "", "", 0, nullptr),
        [](char const* made) { sqlite3_free_filename(const_cast<char*>(made)); }
    );
    int const opened =
        vfs->xOpen(vfs, name.get(), file, SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_READONLY, nullptr);
    if (opened != SQLITE_OK) return failed(nullptr, opened, path);
    sqlite3_int64 size = 0;
    std::string head;
    int code = file->pMethods->xFileSize(file, &size);
    if (code == SQLITE_OK) {
        head.resize(static_cast<std::size_t>(size < bytes ? size : bytes));
        if (!head.empty()) {
            code = file->pMethods->xRead(file, head.data(), static_cast<int>(head.size()), 0);
        }
    }
    file->pMethods->xClose(file);
    if (code != SQLITE_OK) return failed(nullptr, code, path);
    return head;
}

}  // namespace rollbackd::sqlite

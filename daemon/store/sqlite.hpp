// The one place that speaks to the SQLite library: a connection and a prepared statement, both
// closing themselves, and every failure turned into an Error that says how to mend it.
#pragma once

#include "core/error.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace rollbackd::sqlite {

/// One prepared statement. Binding and reading count columns from 0; step() ends what bind() began.
class Statement {
public:
    Statement(sqlite3* connection, sqlite3_stmt* statement, std::string place);

    void bind(int column, std::uint64_t value);
    void bind(int column, std::int64_t value);
    void bind(int column, std::string_view value);  // not copied: must live until reset()

    /// True: a row is there to be read. False: done.
    Result<bool> step();
    /// Runs to the end, expecting no row, and is ready to be bound again.
    Result<void> run();
    void reset();

    /// nullopt where the stored value has another type: the file was changed behind our back.
    std::optional<std::int64_t> integer(int column) const;
    std::optional<std::string> text(int column) const;

private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const;
    };

    sqlite3* connection_;
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
    std::string place_;
};

struct OpenOptions {
    bool write = false;
    bool create = false;
    /// The file is promised not to change while open; needs no side files (a read-only medium).
    bool immutable = false;
};

class Connection {
public:
    static Result<Connection> open(std::string const& path, OpenOptions options);

    Result<void> execute(std::string const& sql);
    Result<Statement> prepare(std::string_view sql);
    /// The first column of the first row of `sql`, which must be an integer.
    Result<std::int64_t> integer(std::string_view sql);
    /// False once a failure has ended the transaction by itself.
    bool in_transaction() const;

private:
    struct Close {
        void operator()(sqlite3* connection) const;
    };

    std::unique_ptr<sqlite3, Close> handle_;
    std::string path_;
};

/// The first bytes of the file at `path` (fewer where it is shorter), read through SQLite so that
/// its locks in this process survive (closing any other descriptor of the file would drop them).
Result<std::string> read_head(std::string const& path, int bytes);

}  // namespace rollbackd::sqlite

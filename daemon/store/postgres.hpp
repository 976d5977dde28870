// The one place of the store that speaks to PostgreSQL's library: a connection whose every wait
// ends, its answers, and every failure turned into an Error that says how to mend it and repeats no
// password. libpq itself, for libpqxx 6 waits for an answer without end: a server that hangs would
// hold the journal's thread, and with it the stop, for ever.
#pragma once

#include "core/error.hpp"
#include "core/time.hpp"

#include <memory>
#include <optional>
#include <vector>

struct pg_conn;
struct pg_result;

namespace rollbackd::postgres {

/// How a store is reached. A password file is read at each connecting, so that it may change.
struct Access {
    std::string url;  // postgresql://user@host/database?…
    std::string password_file;
};

/// host:port/database, for messages; the url is not understood: Errc::invalid.
Result<std::string> place_of(std::string const& url);
/// Whether the url itself holds a password.
bool holds_password(std::string const& url);

/// A value of a statement's $1, $2, …
struct Value {
    explicit Value(std::string_view value) : text(value) {}
    explicit Value(std::uint64_t value) : text(std::to_string(value)) {}
    explicit Value(std::int64_t value) : text(std::to_string(value)) {}
    static Value bytes(std::string_view value);

    std::string text;
    bool binary = false;
};

class Rows {
public:
    explicit Rows(pg_result* result);

    std::size_t size() const;
    std::size_t changed() const;  // by the statement
    std::string tag() const;      // "COMMIT"
    std::string text(std::size_t row, int column) const;
    std::string bytes(std::size_t row, int column) const;  // of a bytea
    std::int64_t integer(std::size_t row, int column) const;
    bool truth(std::size_t row, int column) const;

private:
    struct Clear {
        void operator()(pg_result* result) const;
    };
    std::unique_ptr<pg_result, Clear> result_;
};

class Connection {
public:
    /// Errc::unavailable: nobody answers, or not in time; others: it must be mended by hand.
    static Result<Connection> open(Access const& access);

    /// One statement with its values; several statements where there are none. After
    /// Errc::unavailable or timeout (the answer did not come: whether it took effect is unknown)
    /// with is_lost(), the connection is of no use any more.
    Result<Rows> execute(std::string const& sql, std::vector<Value> const& values = {});
    bool is_lost() const { return lost_; }
    std::string const& place() const { return place_; }
    std::string user() const;

    /// The server ends a statement by itself a little earlier, and says why.
    static constexpr Duration statement_max = std::chrono::seconds(5);
    static constexpr Duration connect_max = std::chrono::seconds(3);

private:
    struct Finish {
        void operator()(pg_conn* connection) const;
    };
    Connection(pg_conn* connection, std::string place);

    Result<void> send(std::string const& sql, std::vector<Value> const& values);
    Result<void> wait();
    Result<Rows> take();
    tl::unexpected<Error> lose(Errc code, std::string what);
    tl::unexpected<Error> refused(pg_result const* result);

    std::unique_ptr<pg_conn, Finish> handle_;
    std::string place_;
    bool lost_ = false;
};

}  // namespace rollbackd::postgres

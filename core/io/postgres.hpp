// PostgreSQL for small questions: a schema's version, a check, some rows. Blocks, so it runs in the
// pool on a connection of its own that is gone afterwards; read-only, and no question can hang for
// ever. What went wrong begins with a slug that never changes: dns refused timeout auth full
// starting closed (no connection), sql (the server refuses the query), too_large.
#pragma once

#include "core/io/blocking.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace rollbackd {

/// The first column of the first row of `query`, as text. `dsn` is a libpq conninfo string or URI;
/// errors never repeat it. Errc: unavailable (no connection), invalid (the server refused the
/// query), not_found (no row, or NULL), timeout.
boost::asio::awaitable<Result<std::string>> query_text(
    BlockingPool& pool, std::string dsn, std::string query, Duration limit
);

/// An answer as text, as the server writes it (dates in ISO, times in UTC).
struct SqlRows {
    std::vector<std::string> columns;
    std::vector<std::vector<std::optional<std::string>>> rows;  // absent: NULL

    friend bool operator==(SqlRows const&, SqlRows const&) = default;
};

inline constexpr std::size_t sql_rows_max = 1000;
inline constexpr std::size_t sql_cell_bytes_max = 4096;  // longer ones are cut

/// All rows of `query`. Errors as of query_text; too_large: more than sql_rows_max.
boost::asio::awaitable<Result<SqlRows>> query_rows(
    BlockingPool& pool, std::string dsn, std::string query, Duration limit
);

/// The same connection as the variables that psql, pg_dump and pg_restore read it from (PGHOST, …,
/// PGPASSWORD), for a program's environment: an argument can be seen by everybody on the machine.
Result<std::map<std::string, std::string>> libpq_environment(std::string const& dsn);

}  // namespace rollbackd

// PostgreSQL for questions of one value: a schema's version, a check. Blocks, so it runs in the
// pool on a connection of its own that is gone afterwards; no question can hang for ever.
#pragma once

#include "core/io/blocking.hpp"

#include <string>

namespace rollbackd {

/// The first column of the first row of `query`, as text. `dsn` is a libpq conninfo string or URI;
/// errors never repeat it. Errc: unavailable (no connection), invalid (the server refused the
/// query), not_found (no row, or NULL), timeout.
boost::asio::awaitable<Result<std::string>> query_text(
    BlockingPool& pool, std::string dsn, std::string query, Duration limit
);

}  // namespace rollbackd

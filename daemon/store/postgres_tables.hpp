// What must be true of a database before the journal lives in it: that it may be written, whose the
// schema is, which format it has. A refused database is left as it was.
#pragma once

#include "daemon/store/journal.hpp"
#include "daemon/store/postgres.hpp"

namespace rollbackd::postgres {

/// Raised with every change of the tables; a schema with a higher one is refused.
inline constexpr std::int64_t format_version = 1;

/// Makes the schema `rollbackd` where it is not there (read_write), else checks that it is exactly
/// what this format says.
Result<void> prepare_tables(Connection& connection, OpenMode mode);

}  // namespace rollbackd::postgres

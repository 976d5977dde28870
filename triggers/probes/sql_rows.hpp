// What a query's rows mean as samples, and what its text says about them. Pure; used by the sql
// probe.
#pragma once

#include "core/io/postgres.hpp"
#include "triggers/probes/probe.hpp"

namespace rollbackd {

/// Names of the columns the query's outermost select list gives, in lower case, as far as its text
/// says them: an alias, or a bare column. One that has none is "".
std::vector<std::string> select_columns(std::string_view query);
/// Outcomes where those are named success or failure; else one number.
SignalKind kind_of_query(std::string_view query);

/// A row of counts. `by` is the column that the signal's `by:` names.
struct SqlCounts {
    OutcomesValue value;
    std::string by;
    std::string id;
    std::string client;
    std::optional<WallTime> at;
};

/// The first column of the only row. Errors begin with a slug: missing, content.
Result<double> sql_number(SqlRows const& rows);
Result<std::string> sql_text(SqlRows const& rows);
/// The first column is a boolean; the second, where there is one, the reason.
Result<StateValue> sql_state(SqlRows const& rows);
/// Columns success, failure, neutral (at least one of the first two), id, at, client, reason.
Result<std::vector<SqlCounts>> sql_counts(SqlRows const& rows, std::string const& by);

}  // namespace rollbackd

// The text that psql is given for one sql step. Pure: a test reads what would be sent. A statement
// is one transaction that is committed only if it did as much as was expected; a question changes
// nothing.
#pragma once

#include "core/json.hpp"

#include <map>

namespace rollbackd {

struct SqlWish {
    std::string query;  // as psql reads it; {{ }} has no place in it, :'name' has
    std::map<std::string, std::string> values;
    std::optional<std::int64_t> rows;
    std::optional<std::int64_t> rows_min;
    std::optional<std::int64_t> rows_max;
    std::optional<std::string> value;  // a question: its one cell
    std::optional<double> value_min;
    std::optional<double> value_max;
    bool transaction = true;
    Duration limit{};

    bool is_question() const { return value || value_min || value_max; }
};

/// What is wrong with it: an empty query, a name psql cannot take, expectations that exclude each
/// other.
Result<void> check_wish(SqlWish const& wish);
std::string psql_text(SqlWish const& wish);
/// "3 rows", "2 to 5 rows", "a value of at least 10": what was expected, for people.
std::string expectation(SqlWish const& wish);
/// Whether it deletes, truncates or drops: words outside texts and comments.
bool destroys_rows(std::string_view query);

}  // namespace rollbackd

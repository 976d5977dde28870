// Any text as a query and as the cell of an answer: columns, a number, a count, a time, or none.
#include "core/ensure.hpp"
#include "tests/fuzz/entries.hpp"
#include "triggers/probes/numbers.hpp"
#include "triggers/probes/sql_rows.hpp"

#include <cmath>

using namespace rollbackd;

int rollbackd::fuzz::sql(std::uint8_t const* data, std::size_t size) {
    std::string const text(reinterpret_cast<char const*>(data), size);
    ensure(select_columns(text).size() <= size + 1, "no more columns than the text has bytes");
    if (auto const number = number_of(text)) ensure(std::isfinite(*number), "a number is finite");
    (void)count_of(text);
    (void)moment_of(text);
    SqlRows rows;
    rows.columns = {"success", "failure", "at", "provider", "id"};
    rows.rows = {{"1", text, text, text, text}, {text, "0", std::nullopt, std::nullopt, text}};
    auto const counts = sql_counts(rows, "provider");
    if (counts) ensure(counts->size() == rows.rows.size(), "every row is counted");
    (void)sql_number(rows);
    (void)sql_state(rows);
    return 0;
}

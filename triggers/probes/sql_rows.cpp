#include "triggers/probes/sql_rows.hpp"

#include "core/names.hpp"
#include "triggers/probes/numbers.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

constexpr std::size_t word_bytes_max = 128;

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           static_cast<unsigned char>(c) >= 128;
}

bool is_word(char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '$'; }

std::string lower(std::string_view text) {
    std::string out;
    for (char const c : text) out += char(c >= 'A' && c <= 'Z' ? c + 32 : c);
    return out;
}

/// The words of a query: identifiers in lower case, "quoted" ones as they are, and single signs.
/// Texts and comments are nothing.
class Words {
public:
    explicit Words(std::string_view text) : text_(text) {}

    struct Word {
        std::string text;
        bool name = false;  // an identifier, quoted or not
        bool quoted = false;
    };

    std::optional<Word> next() {
        while (at_ < text_.size()) {
            char const c = text_[at_];
            if (c == '\'') {
                skip_quoted('\'');
                return Word{"'", false, false};
            }
            if (c == '"') return quoted();
            if (starts("--")) {
                at_ = std::min(text_.find('\n', at_), text_.size());
            } else if (starts("/*")) {
                auto const end = text_.find("*/", at_ + 2);
                at_ = end == std::string_view::npos ? text_.size() : end + 2;
            } else if (c == '$' && skip_dollars()) {
                return Word{"'", false, false};
            } else if (is_letter(c)) {
                return bare();
            } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
                ++at_;
            } else {
                ++at_;
                return Word{std::string(1, c), false, false};
            }
        }
        return std::nullopt;
    }

private:
    bool starts(std::string_view mark) const { return text_.substr(at_).starts_with(mark); }
    void skip_quoted(char mark) {
        auto const end = text_.find(mark, at_ + 1);
        at_ = end == std::string_view::npos ? text_.size() : end + 1;
    }
    Word quoted() {
        auto const from = at_ + 1;
        skip_quoted('"');
        auto const to = std::max(from, at_ == text_.size() && text_.back() != '"' ? at_ : at_ - 1);
        return {std::string(text_.substr(from, std::min(to - from, word_bytes_max))), true, true};
    }
    Word bare() {
        auto const from = at_;
        while (at_ < text_.size() && is_word(text_[at_])) ++at_;
        return {lower(text_.substr(from, std::min(at_ - from, word_bytes_max))), true, false};
    }
    /// $tag$ … $tag$
    bool skip_dollars() {
        auto const close = text_.find('$', at_ + 1);
        if (close == std::string_view::npos) return false;
        auto const tag = text_.substr(at_, close - at_ + 1);
        auto const inner = tag.substr(1, tag.size() - 2);
        if (!std::all_of(inner.begin(), inner.end(), is_word)) return false;
        auto const end = text_.find(tag, close + 1);
        at_ = end == std::string_view::npos ? text_.size() : end + tag.size();
        return true;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

bool ends_list(std::string const& word) {
    for (auto const* const end : {"from", "where", "group", "having", "order", "limit", "union"}) {
        if (word == end) return true;
    }
    return false;
}

tl::unexpected<Error> missing(std::string what) {
    return fail(Errc::not_found, "missing: " + std::move(what));
}

Result<std::string> only_cell(SqlRows const& rows) {
    if (rows.rows.empty()) return missing("the query has no row");
    if (rows.rows.size() > 1) {
        return fail(
            Errc::invalid,
            "content: one row expected, the query has " + std::to_string(rows.rows.size())
        );
    }
    auto const& row = rows.rows.front();
    if (row.empty() || !row.front()) return missing("the query's value is NULL");
    return *row.front();
}

Error in_content(Error error) {
    error.what = "content: " + error.what;
    return error;
}

std::optional<std::size_t> column(SqlRows const& rows, std::string_view name) {
    for (std::size_t i = 0; i < rows.columns.size(); ++i) {
        if (rows.columns[i] == name) return i;
    }
    return std::nullopt;
}

/// The count in a column; 0 only where there is no such column.
Result<std::uint64_t> count_in(
    std::vector<std::optional<std::string>> const& row, std::optional<std::size_t> column,
    std::string_view name
) {
    if (!column) return std::uint64_t(0);
    if (*column >= row.size() || !row[*column]) return missing(std::string(name) + " is NULL");
    auto const count = count_of(*row[*column]);
    if (!count) return tl::unexpected<Error>(in_content(count.error()));
    return *count;
}

}  // namespace

std::vector<std::string> select_columns(std::string_view query) {
    Words words(query);
    std::vector<std::string> columns;
    int depth = 0;
    bool selecting = false;
    std::string last;
    while (auto word = words.next()) {
        if (word->text == "(" && !word->name) ++depth;
        if (word->text == ")" && !word->name) --depth;
        if (depth > 0 || word->text == ")") {
            last.clear();
            continue;
        }
        if (!selecting) {
            selecting = word->name && !word->quoted && word->text == "select";
            continue;
        }
        if (word->name && !word->quoted && ends_list(word->text)) break;
        if (!word->name && word->text == ",") {
            columns.push_back(std::exchange(last, {}));
            continue;
        }
        last = word->name ? word->text : std::string();
    }
    if (selecting) columns.push_back(std::move(last));
    return columns;
}

SignalKind kind_of_query(std::string_view query) {
    for (auto const& name : select_columns(query)) {
        if (name == "success" || name == "failure") return SignalKind::outcomes;
    }
    return SignalKind::gauge;
}

Result<double> sql_number(SqlRows const& rows) {
    auto const cell = only_cell(rows);
    if (!cell) return tl::unexpected<Error>(cell.error());
    auto const number = number_of(*cell);
    if (!number) return tl::unexpected<Error>(in_content(number.error()));
    return *number;
}

Result<std::string> sql_text(SqlRows const& rows) {
    auto const cell = only_cell(rows);
    if (!cell) return cell;
    return printable(*cell, sql_cell_bytes_max);
}

Result<StateValue> sql_state(SqlRows const& rows) {
    auto const cell = only_cell(rows);
    if (!cell) return tl::unexpected<Error>(cell.error());
    if (*cell != "t" && *cell != "f") {
        return fail(
            Errc::invalid, "content: \"" + printable(*cell, 40) + "\" is no boolean (true is ok)"
        );
    }
    StateValue state;
    state.ok = *cell == "t";
    auto const& row = rows.rows.front();
    if (!state.ok) {
        state.reason = "sql: ";
        bool const told = row.size() > 1 && row[1];
        state.reason += told ? printable_line(*row[1], 200) : "the query says false";
    }
    return state;
}

Result<std::vector<SqlCounts>> sql_counts(SqlRows const& rows, std::string const& by) {
    auto const success = column(rows, "success");
    auto const failure = column(rows, "failure");
    if (!success && !failure) {
        return fail(Errc::invalid, "content: the query has no column success or failure");
    }
    auto const by_column = by.empty() ? std::nullopt : column(rows, by);
    if (!by.empty() && !by_column) {
        return fail(Errc::invalid, "content: the query has no column " + by + ", which by names");
    }
    std::vector<SqlCounts> out;
    for (auto const& row : rows.rows) {
        auto const text = [&](std::optional<std::size_t> at) {
            return at && *at < row.size() ? row[*at].value_or("") : std::string();
        };
        SqlCounts counts;
        auto const good = count_in(row, success, "success");
        auto const bad = count_in(row, failure, "failure");
        auto const other = count_in(row, column(rows, "neutral"), "neutral");
        for (auto const* const count : {&good, &bad, &other}) {
            if (!*count) return tl::unexpected<Error>(count->error());
        }
        counts.value = {*good, *bad, *other, printable_line(text(column(rows, "reason")), 200)};
        counts.by = printable(text(by_column), 128);
        counts.id = text(column(rows, "id")).substr(0, 256);
        counts.client = printable(text(column(rows, "client")), 128);
        if (auto const at = text(column(rows, "at")); !at.empty()) {
            auto const moment = moment_of(at);
            if (!moment) return tl::unexpected<Error>(in_content(moment.error()));
            counts.at = *moment;
        }
        out.push_back(std::move(counts));
    }
    auto const timed = [](SqlCounts const& counts) { return counts.at.has_value(); };
    if (std::all_of(out.begin(), out.end(), timed)) {
        std::stable_sort(out.begin(), out.end(), [](SqlCounts const& a, SqlCounts const& b) {
            return *a.at < *b.at;
        });
    }
    return out;
}

}  // namespace rollbackd

#include "actions/steps/sql_text.hpp"

#include "actions/steps/database.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace rollbackd {

namespace {

constexpr std::string_view blank = " \t\r\n;";

std::string trimmed(std::string const& query) {
    auto const first = query.find_first_not_of(blank);
    if (first == std::string::npos) return {};
    return query.substr(first, query.find_last_not_of(blank) - first + 1);
}

bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// psql's own variables are in capitals, ours begin with rollbackd.
bool is_name(std::string const& name) {
    if (name.empty() || name.size() > 60 || name.starts_with("rollbackd")) return false;
    if (name[0] >= '0' && name[0] <= '9') return false;
    return std::all_of(name.begin(), name.end(), [](char c) {
        return is_word(c) && !(c >= 'A' && c <= 'Z');
    });
}

/// Where a text, a quoted name or a comment that begins at `at` ends; `at` where none does.
std::size_t skipped(std::string_view query, std::size_t at) {
    auto const past = [&](std::string_view mark, std::size_t from) {
        auto const end = query.find(mark, from);
        return end == std::string_view::npos ? query.size() : end + mark.size();
    };
    auto const rest = query.substr(at);
    if (rest[0] == '\'' || rest[0] == '"') return past(rest.substr(0, 1), at + 1);
    if (rest.starts_with("--")) return past("\n", at);
    if (rest.starts_with("/*")) return past("*/", at + 2);
    return at;
}

std::string number(double value) {
    constexpr double exact_max = 1e15;
    bool const whole = value == std::floor(value) && std::abs(value) < exact_max;
    return whole ? std::to_string(static_cast<std::int64_t>(value)) : to_text(Json(value));
}

/// The last statement's rows against what was expected; the transaction ends here if they differ.
std::string rows_check(SqlWish const& wish) {
    auto const least = wish.rows ? wish.rows : wish.rows_min;
    auto const most = wish.rows ? wish.rows : wish.rows_max;
    if (!least && !most) return {};
    std::string text = "\\set rollbackd_rows :ROW_COUNT\nSELECT :rollbackd_rows::bigint BETWEEN ";
    text += std::to_string(least.value_or(0)) + " AND ";
    text += most ? std::to_string(*most) : "9223372036854775807";
    text += " AS rollbackd_good \\gset\n\\if :rollbackd_good\n\\else\n";
    text += "\\warn 'rows: ' :rollbackd_rows '; expected: " + expectation(wish) + "'\n";
    text += "DO 'BEGIN RAISE EXCEPTION ''not as many rows as expected''; END';\n\\endif\n";
    return text;
}

std::string value_check(SqlWish const& wish) {
    std::string text = "SELECT (" + trimmed(wish.query) + "\n) AS rollbackd_value \\gset\n";
    text += "\\if :{?rollbackd_value}\n\\echo :rollbackd_value\n\\else\n";
    text += "\\warn 'the value is NULL; expected: " + expectation(wish) + "'\n";
    text += "DO 'BEGIN RAISE EXCEPTION ''not the value that was expected''; END';\n\\endif\n";
    text += "SELECT ";
    if (wish.value) {
        text += ":'rollbackd_value' = :'rollbackd_wanted'";
    } else {
        auto const cell = std::string(":'rollbackd_value'::numeric");
        text += wish.value_min ? cell + " >= " + number(*wish.value_min) : "true";
        if (wish.value_max) text += " AND " + cell + " <= " + number(*wish.value_max);
    }
    text += " AS rollbackd_good \\gset\n\\if :rollbackd_good\n\\else\n";
    text += "\\warn 'the value is ' :rollbackd_value '; expected: " + expectation(wish) + "'\n";
    text += "DO 'BEGIN RAISE EXCEPTION ''not the value that was expected''; END';\n\\endif\n";
    return text;
}

}  // namespace

Result<void> check_wish(SqlWish const& wish) {
    auto const wrong = [](char const* where, std::string what) {
        return fail(Errc::invalid, std::move(what), where);
    };
    if (trimmed(wish.query).empty()) return wrong("query", "the query is empty");
    for (auto const& [name, value] : wish.values) {
        if (is_name(name)) continue;
        return wrong("values", "\"" + name + "\" names no value: small letters, digits and _");
    }
    bool const counts = wish.rows || wish.rows_min || wish.rows_max;
    if (wish.is_question() && counts) {
        return wrong("expect", "expect is of rows or of a value, not of both");
    }
    if (wish.value && (wish.value_min || wish.value_max)) {
        return wrong("expect", "value stands alone, without value_min and value_max");
    }
    if (wish.rows && (wish.rows_min || wish.rows_max)) {
        return wrong("expect", "rows stands alone, without rows_min and rows_max");
    }
    if (!wish.transaction && (wish.is_question() || counts)) {
        return wrong("transaction", "nothing can be expected without one: it is what takes back");
    }
    return {};
}

std::string expectation(SqlWish const& wish) {
    if (wish.rows) return std::to_string(*wish.rows) + (*wish.rows == 1 ? " row" : " rows");
    if (wish.rows_min && wish.rows_max) {
        return std::to_string(*wish.rows_min) + " to " + std::to_string(*wish.rows_max) + " rows";
    }
    if (wish.rows_min) return "at least " + std::to_string(*wish.rows_min) + " rows";
    if (wish.rows_max) return "at most " + std::to_string(*wish.rows_max) + " rows";
    if (wish.value) return "the value that the step names";
    if (wish.value_min && wish.value_max) {
        return "a value of " + number(*wish.value_min) + " to " + number(*wish.value_max);
    }
    if (wish.value_min) return "a value of at least " + number(*wish.value_min);
    if (wish.value_max) return "a value of at most " + number(*wish.value_max);
    return "";
}

std::string psql_text(SqlWish const& wish) {
    std::string text;
    for (auto const& [name, value] : wish.values) text += psql_set(name, value);
    if (wish.value) text += psql_set("rollbackd_wanted", *wish.value);
    if (!wish.transaction) return text + trimmed(wish.query) + "\n;\n";
    text += wish.is_question() ? "BEGIN READ ONLY;\n" : "BEGIN;\n";
    auto const ms = std::chrono::duration_cast<std::chrono::milliseconds>(wish.limit).count();
    // So that the server does not go on with what nobody waits for any more.
    text +=
        "SET LOCAL statement_timeout = " + std::to_string(std::max<std::int64_t>(1, ms)) + ";\n";
    if (wish.is_question()) return text + value_check(wish) + "COMMIT;\n";
    // By its number the server can be asked what became of it, should the connection break.
    text += "SELECT txid_current() AS rollbackd_transaction \\gset\n";
    text += "\\warn 'rollbackd transaction' :rollbackd_transaction\n";
    return text + trimmed(wish.query) + "\n;\n" + rows_check(wish) + "COMMIT;\n";
}

bool destroys_rows(std::string_view query) {
    static constexpr std::array<std::string_view, 3> verbs{"delete", "truncate", "drop"};
    std::string word;
    auto const is_verb = [&] { return std::count(verbs.begin(), verbs.end(), word) > 0; };
    for (std::size_t at = 0; at < query.size();) {
        if (auto const end = skipped(query, at); end > at) {
            if (is_verb()) return true;
            word.clear();
            at = end;
            continue;
        }
        char const c = query[at++];
        if (is_word(c)) {
            word += char(c >= 'A' && c <= 'Z' ? c + 32 : c);
            continue;
        }
        if (is_verb()) return true;
        word.clear();
    }
    return is_verb();
}

}  // namespace rollbackd

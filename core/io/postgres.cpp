#include "core/io/postgres.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <map>
#include <memory>
#include <pqxx/pqxx>

namespace rollbackd {

namespace asio = boost::asio;
using Parameters = std::map<std::string, std::string>;

namespace {

constexpr Duration answer_margin = std::chrono::milliseconds(250);
constexpr Duration connect_min = std::chrono::seconds(2);  // libpq waits no less

long milliseconds(Duration duration) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

using Options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

/// A conninfo string or a URI, taken apart by libpq itself.
Result<Options> parse(std::string const& dsn) {
    char* problem = nullptr;
    Options options(PQconninfoParse(dsn.c_str(), &problem), &PQconninfoFree);
    if (problem != nullptr) PQfreemem(problem);  // it may repeat the password
    if (!options) {
        return fail(Errc::invalid, "not a PostgreSQL connection string or URI (postgresql://…)");
    }
    return options;
}

Result<Parameters> take_apart(std::string const& dsn) {
    auto const options = parse(dsn);
    if (!options) return tl::unexpected<Error>(options.error());
    Parameters parameters;
    for (auto const* option = options->get(); option->keyword != nullptr; ++option) {
        if (option->val != nullptr) parameters[option->keyword] = option->val;
    }
    return parameters;
}

/// How a connection is kept alive has no variable, and programs that end soon need none.
bool may_be_left_out(std::string_view keyword) {
    return keyword.starts_with("keepalives") || keyword == "tcp_user_timeout" ||
           keyword == "fallback_application_name";
}

/// No wait on this connection may be endless, whatever the DSN says.
void bound(Parameters& parameters, Duration limit) {
    auto const seconds = std::chrono::ceil<std::chrono::seconds>(std::max(limit, connect_min));
    parameters["connect_timeout"] = std::to_string(seconds.count());
    parameters["tcp_user_timeout"] = std::to_string(std::max(1L, milliseconds(limit)));
    parameters["keepalives"] = "1";
    if (!parameters.contains("application_name")) parameters["application_name"] = "rollbackd";
}

/// Set in the transaction, not in the connection's options, which poolers refuse.
std::string settings(Duration limit) {
    // A little less than the caller waits: the server's own answer is better than ours.
    auto const allowed = limit - std::min<Duration>(limit / 4, answer_margin);
    auto const limit_ms = std::to_string(std::max(1L, milliseconds(allowed)));
    return "SET LOCAL statement_timeout = " + limit_ms + "; SET LOCAL lock_timeout = " + limit_ms +
           "; SET LOCAL datestyle = 'ISO'; SET LOCAL timezone = 'UTC'";
}

std::string put_together(Parameters const& parameters) {
    std::string out;
    for (auto const& [name, value] : parameters) {
        out += name + "='";
        for (char const c : value) {
            if (c == '\'' || c == '\\') out += '\\';
            out += c;
        }
        out += "' ";
    }
    return out;
}

/// The server's first line: what follows (DETAIL, LINE) is for its own log.
std::string first_line(std::string text) {
    text.erase(std::min(text.find('\n'), text.size()));
    return text;
}

/// Why there is no connection, by the words of libpq and of the server (untranslated).
std::string slug_of(std::string_view text) {
    struct Known {
        std::string_view slug;
        std::string_view words;
    };
    constexpr Known known[] = {
        {"refused", "onnection refused"},
        {"refused", "No such file or directory"},
        {"dns", "could not translate host name"},
        {"timeout", "timeout expired"},
        {"timeout", "timed out"},
        {"full", "too many clients"},
        {"full", "too many connections"},
        {"full", "remaining connection slots"},
        {"auth", "authentication failed"},
        {"auth", "not permitted to log in"},
        {"auth", "no password supplied"},
        {"auth", "pg_hba.conf"},
        {"starting", "is starting up"},
        {"starting", "is shutting down"},
        {"starting", "in recovery mode"},
    };
    for (auto const& one : known) {
        if (text.find(one.words) != std::string_view::npos) return std::string(one.slug);
    }
    return "closed";
}

/// A cursor bounds what is fetched; what is no SELECT (SHOW) has none.
bool takes_cursor(std::string_view query) {
    auto const from = query.find_first_not_of(" \t\r\n(");
    if (from == std::string_view::npos) return false;
    std::string word;
    for (char const c : query.substr(from, 6)) word += char(c >= 'A' && c <= 'Z' ? c + 32 : c);
    return word.starts_with("select") || word.starts_with("with") || word.starts_with("values") ||
           word.starts_with("table");
}

pqxx::result fetch(pqxx::transaction_base& transaction, std::string query) {
    auto const end = query.find_last_not_of("; \t\r\n");
    query.erase(end == std::string::npos ? 0 : end + 1);
    if (!takes_cursor(query)) return transaction.exec(query);
    transaction.exec0("DECLARE rollbackd_rows NO SCROLL CURSOR FOR " + query);
    return transaction.exec("FETCH " + std::to_string(sql_rows_max + 1) + " FROM rollbackd_rows");
}

Result<SqlRows> read_rows(pqxx::result const& result, std::string const& place) {
    if (result.size() > sql_rows_max) {
        return fail(
            Errc::too_large,
            "too_large: the query has more than " + std::to_string(sql_rows_max) + " rows", place
        );
    }
    SqlRows out;
    for (pqxx::row::size_type column = 0; column < result.columns(); ++column) {
        out.columns.emplace_back(result.column_name(column));
    }
    for (auto const& row : result) {
        auto& cells = out.rows.emplace_back();
        for (auto const& field : row) {
            if (field.is_null()) {
                cells.emplace_back();
            } else {
                cells.emplace_back(
                    std::string(field.c_str(), std::min(field.size(), sql_cell_bytes_max))
                );
            }
        }
    }
    return out;
}

Result<SqlRows> ask(std::string const& dsn, std::string const& query, Duration limit) {
    auto parameters = take_apart(dsn);
    if (!parameters) return tl::unexpected<Error>(parameters.error());
    bound(*parameters, limit);
    auto const place = "PostgreSQL at " + (*parameters)["host"];
    try {
        pqxx::connection connection(put_together(*parameters));
        pqxx::read_transaction transaction(connection);
        transaction.exec(settings(limit));
        return read_rows(fetch(transaction, query), place);
    } catch (pqxx::sql_error const& refusal) {
        constexpr std::string_view query_canceled = "57014";
        auto const text = first_line(refusal.what());
        if (refusal.sqlstate() == query_canceled)
            return fail(Errc::timeout, "timeout: " + text, place);
        return fail(Errc::invalid, "sql: " + text, place);
    } catch (pqxx::broken_connection const& broken) {
        auto const slug = slug_of(broken.what());
        auto const code = slug == "timeout" ? Errc::timeout : Errc::unavailable;
        return fail(code, slug + ": " + first_line(broken.what()), place);
    }
}

}  // namespace

Result<std::map<std::string, std::string>> libpq_environment(std::string const& dsn) {
    auto const options = parse(dsn);
    if (!options) return tl::unexpected<Error>(options.error());
    std::map<std::string, std::string> variables;
    for (auto const* option = options->get(); option->keyword != nullptr; ++option) {
        if (option->val == nullptr || may_be_left_out(option->keyword)) continue;
        if (option->envvar == nullptr) {
            return fail(
                Errc::invalid, std::string("the connection string says ") + option->keyword +
                                   ", which psql and pg_dump take from no variable"
            );
        }
        if (std::string_view(option->val).find('\n') != std::string_view::npos) {
            return fail(
                Errc::invalid,
                std::string("the connection string's ") + option->keyword + " has a line break"
            );
        }
        variables[option->envvar] = option->val;
    }
    return variables;
}

asio::awaitable<Result<SqlRows>> query_rows(
    BlockingPool& pool, std::string dsn, std::string query, Duration limit
) {
    auto job = [dsn = std::move(dsn), query = std::move(query), limit] {
        return ask(dsn, query, limit);
    };
    co_return co_await run_blocking(pool, std::move(job), limit);
}

asio::awaitable<Result<std::string>> query_text(
    BlockingPool& pool, std::string dsn, std::string query, Duration limit
) {
    auto const answer = co_await query_rows(pool, std::move(dsn), std::move(query), limit);
    if (!answer) co_return tl::unexpected<Error>(answer.error());
    if (answer->rows.empty() || answer->rows[0].empty() || !answer->rows[0][0]) {
        co_return fail(Errc::not_found, "the query has no row or its value is NULL");
    }
    co_return *answer->rows[0][0];
}

}  // namespace rollbackd

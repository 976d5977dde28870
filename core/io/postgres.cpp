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

/// A conninfo string or a URI, taken apart by libpq itself.
Result<Parameters> take_apart(std::string const& dsn) {
    char* problem = nullptr;
    std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> const options(
        PQconninfoParse(dsn.c_str(), &problem), &PQconninfoFree
    );
    if (problem != nullptr) PQfreemem(problem);  // it may repeat the password
    if (!options) {
        return fail(Errc::invalid, "not a PostgreSQL connection string or URI (postgresql://…)");
    }
    Parameters parameters;
    for (auto const* option = options.get(); option->keyword != nullptr; ++option) {
        if (option->val != nullptr) parameters[option->keyword] = option->val;
    }
    return parameters;
}

/// No wait on this connection may be endless, whatever the DSN says.
void bound(Parameters& parameters, Duration limit) {
    auto const seconds = std::chrono::ceil<std::chrono::seconds>(std::max(limit, connect_min));
    // A little less than the caller waits: the server's own answer is better than ours.
    auto const allowed = limit - std::min<Duration>(limit / 4, answer_margin);
    auto const limit_ms = std::to_string(std::max(1L, milliseconds(allowed)));
    parameters["connect_timeout"] = std::to_string(seconds.count());
    parameters["tcp_user_timeout"] = limit_ms;
    parameters["keepalives"] = "1";
    parameters["options"] += " -c statement_timeout=" + limit_ms + " -c lock_timeout=" + limit_ms;
    if (!parameters.contains("application_name")) parameters["application_name"] = "rollbackd";
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

Result<std::string> ask(std::string const& dsn, std::string const& query, Duration limit) {
    auto parameters = take_apart(dsn);
    if (!parameters) return tl::unexpected<Error>(parameters.error());
    bound(*parameters, limit);
    auto const place = "PostgreSQL at " + (*parameters)["host"];
    try {
        pqxx::connection connection(put_together(*parameters));
        pqxx::read_transaction transaction(connection);
        auto const rows = transaction.exec(query);
        if (rows.empty() || rows.columns() == 0 || rows[0][0].is_null()) {
            return fail(Errc::not_found, "the query has no row or its value is NULL", place);
        }
        return rows[0][0].as<std::string>();
    } catch (pqxx::sql_error const& refusal) {
        constexpr std::string_view query_canceled = "57014";
        auto const code = refusal.sqlstate() == query_canceled ? Errc::timeout : Errc::invalid;
        return fail(code, first_line(refusal.what()), place);
    } catch (pqxx::broken_connection const& broken) {
        return fail(Errc::unavailable, first_line(broken.what()), place);
    }
}

}  // namespace

asio::awaitable<Result<std::string>> query_text(
    BlockingPool& pool, std::string dsn, std::string query, Duration limit
) {
    auto job = [dsn = std::move(dsn), query = std::move(query), limit] {
        return ask(dsn, query, limit);
    };
    co_return co_await run_blocking(pool, std::move(job), limit);
}

}  // namespace rollbackd

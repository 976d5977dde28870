// sql: a question to PostgreSQL, in a read-only transaction on a connection of its own. One number,
// counts of success and failure, a boolean, or a text. A database that does not answer makes a
// number unknown; whether it answers is what a state asks, so there it has failed.
#include "core/io/clock.hpp"
#include "core/io/secrets.hpp"
#include "triggers/probes/sql_rows.hpp"
#include "triggers/probes/totals.hpp"
#include "triggers/probes/types.hpp"

#include <algorithm>
#include <array>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

TypeInfo sql_info() {
    TypeInfo info;
    info.name = "sql";
    info.doc =
        "Asks PostgreSQL in a read-only transaction: one number, counts of success and failure, a "
        "boolean, or a text.";
    info.is_probe = true;
    info.fields = {
        {.name = "dsn_file",
         .type = FieldType::path,
         .doc = "File with the connection string or URI."},
        {.name = "dsn",
         .type = FieldType::text,
         .doc = "The connection string or URI; ${ENV} is filled in when asked.",
         .secret = true},
        {.name = "query",
         .type = FieldType::text,
         .doc = "One statement, at most 1000 rows. Outcomes have the columns success and failure "
                "(and neutral, id, at, client, reason, and the one that `by` names).",
         .required = true},
        {.name = "kind",
         .type = FieldType::choice,
         .doc = "What the answer is: one number, counts, a boolean (true is ok; a second column is "
                "the reason), a text. Absent: outcomes where the query names a column success or "
                "failure, else gauge.",
         .choices = {"gauge", "outcomes", "state", "text"}},
        {.name = "totals",
         .type = FieldType::boolean,
         .doc = "The counts only grow: what was added since the last answer counts.",
         .otherwise = false},
    };
    info.one_of = {{"dsn_file", "dsn"}};
    return info;
}

SignalKind kind_of(JsonObject const& params) {
    auto const kind = enum_from<SignalKind>(text_of(Json(params), "kind"));
    return kind ? *kind : kind_of_query(text_of(Json(params), "query"));
}

std::optional<SignalNature> sql_nature(JsonObject const& params) {
    return SignalNature{to_string(kind_of(params)), true};
}

std::vector<Error> check_sql(JsonObject const& params) {
    Json const all(params);
    if (text_of(all, "query").find_first_not_of(" \t\r\n;") == std::string::npos) {
        return {wrong_field("the query is empty", "query")};
    }
    auto const* const totals = find(all, "totals");
    bool const grow = totals != nullptr && totals->is_bool() && totals->get_bool();
    if (grow && kind_of(params) != SignalKind::outcomes) {
        return {wrong_field(
            "totals is of outcomes; name the query's columns success and failure, or write kind",
            "totals"
        )};
    }
    return {};
}

/// A server that cannot be reached has failed; what is wrong with the question says nothing of it.
bool is_the_servers(Error const& error) {
    constexpr std::array<std::string_view, 6> slugs{
        "dns:", "refused:", "timeout:", "full:", "starting:", "closed:"
    };
    return std::any_of(slugs.begin(), slugs.end(), [&](auto slug) {
        return error.what.starts_with(slug);
    });
}

class SqlProbe final : public Probe {
public:
    SqlProbe(SignalPolicy const& signal, ProbeContext const& context)
        : params_(signal.params),
          query_(text_of(Json(signal.params), "query")),
          by_(signal.by),
          kind_(kind_of(signal.params)),
          totals_(query_, signal.stale_after.value_or(std::chrono::minutes(1))),
          context_(context) {
        auto const* const totals = params_.if_contains("totals");
        grows_ = totals != nullptr && totals->is_bool() && totals->get_bool();
    }

    asio::awaitable<ProbeAnswer> ask(Duration timeout) override {
        ProbeAnswer answer;
        auto dsn = context_.secrets.text(params_, "dsn");
        if (!dsn) {
            answer.note = to_string(dsn.error());
            co_return answer;
        }
        auto const begun = context_.clock.now();
        auto query = query_;
        auto rows =
            co_await query_rows(context_.queries, std::move(*dsn), std::move(query), timeout);
        if (!rows && rows.error().code == Errc::timeout && !is_the_servers(rows.error())) {
            rows.error().what = "timeout: no answer within " + format_duration(timeout);
        }
        auto const took = context_.clock.now().boot - begun.boot;
        co_return rows ? read(*rows, begun.wall, took) : failed(rows.error());
    }

    Json save() const override { return grows_ ? totals_.save() : Json(nullptr); }
    void resume(Json const& saved) override { totals_.resume(saved); }

private:
    ProbeAnswer failed(Error const& error) const {
        ProbeAnswer answer;
        auto reason = error.where.empty() ? error.what : error.what + " (" + error.where + ")";
        reason = context_.secrets.redact(reason);
        if (kind_ == SignalKind::state && is_the_servers(error)) {
            answer.value = StateValue{false, std::move(reason), {}};
        } else {
            answer.note = std::move(reason);
        }
        return answer;
    }

    ProbeAnswer read(SqlRows const& rows, WallTime now, Duration took) {
        switch (kind_) {
            case SignalKind::gauge:
                return told(sql_number(rows), [](double number) { return GaugeValue{number}; });
            case SignalKind::text:
                return told(sql_text(rows), [](std::string const& text) {
                    return TextValue{text};
                });
            case SignalKind::state:
                return told(sql_state(rows), [took](StateValue state) {
                    state.latency = took;
                    return state;
                });
            case SignalKind::outcomes:
                return counted(rows, now);
        }
        return {};
    }

    template <class T, class Value>
    ProbeAnswer told(Result<T> const& result, Value value) const {
        ProbeAnswer answer;
        if (result) {
            answer.value = value(*result);
        } else {
            answer.note = context_.secrets.redact(result.error().what);
        }
        return answer;
    }

    ProbeAnswer counted(SqlRows const& rows, WallTime now) {
        ProbeAnswer answer;
        auto counts = sql_counts(rows, by_);
        if (!counts) {
            answer.note = context_.secrets.redact(counts.error().what);
            return answer;
        }
        if (grows_) grow(*counts, now);
        for (auto& row : *counts) {
            row.value.reason = context_.secrets.redact(row.value.reason);
            answer.more.push_back(
                {std::move(row.value), std::move(row.by), std::move(row.id), std::move(row.client),
                 row.at}
            );
        }
        // Asked, and perhaps nothing new has happened: that is fresh knowledge, too.
        if (!grows_ || totals_.compares()) answer.value = OutcomesValue{};
        return answer;
    }

    /// Totals become what was added to them; the first look adds nothing.
    void grow(std::vector<SqlCounts>& counts, WallTime now) {
        totals_.begin(now);
        for (auto& row : counts) {
            auto const added = [&](char const* what, std::uint64_t total) {
                auto const key = row.by + "\n" + row.id + "\n" + what;
                return static_cast<std::uint64_t>(totals_.added(key, static_cast<double>(total)));
            };
            row.value.success = added("success", row.value.success);
            row.value.failure = added("failure", row.value.failure);
            row.value.neutral = added("neutral", row.value.neutral);
            row.id.clear();  // a total is no event: it counts again and again
        }
        totals_.finish();
        if (!totals_.compares()) counts.clear();
    }

    JsonObject params_;
    std::string query_;
    std::string by_;
    SignalKind kind_;
    bool grows_ = false;
    Totals totals_;
    ProbeContext context_;
};

std::unique_ptr<Probe> make_sql(SignalPolicy const& signal, ProbeContext const& context) {
    return std::make_unique<SqlProbe>(signal, context);
}

}  // namespace

ProbeType sql_probe() { return ProbeType{sql_info(), &check_sql, &make_sql, &sql_nature}; }

}  // namespace rollbackd

#include "triggers/probes/sql_rows.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;

namespace {

using Names = std::vector<std::string>;

SqlRows rows(Names columns, std::vector<std::vector<std::optional<std::string>>> cells) {
    return SqlRows{std::move(columns), std::move(cells)};
}

}  // namespace

TEST_CASE("the columns of a query are read out of its text") {
    CHECK(select_columns("SELECT count(*) FROM payments") == Names{""});
    CHECK(
        select_columns("select count(*) filter (where ok) AS success, sum(x) failure from t") ==
        Names{"success", "failure"}
    );
    CHECK(select_columns("SELECT t.success, \"Failure\" FROM t") == Names{"success", "Failure"});
    CHECK(
        select_columns("WITH w AS (SELECT failure FROM x) SELECT max(n) AS n FROM w") == Names{"n"}
    );
    CHECK(
        select_columns("SELECT 1 AS a -- , 2 AS failure\n, 'AS failure' /* , success */") ==
        Names{"a", ""}
    );
    CHECK(select_columns("SELECT $q$ AS failure $q$, 1 AS n") == Names{"", "n"});
    CHECK(select_columns("SHOW max_connections").empty());
    CHECK(select_columns("").empty());
}

TEST_CASE("a query that names success or failure counts outcomes, any other is one number") {
    CHECK(
        kind_of_query("SELECT sum(ok) AS success, sum(bad) AS failure FROM t") ==
        SignalKind::outcomes
    );
    CHECK(kind_of_query("SELECT failure FROM t") == SignalKind::outcomes);
    CHECK(kind_of_query("SELECT count(*) FROM t WHERE success = false") == SignalKind::gauge);
    CHECK(kind_of_query("SELECT count(*) FROM t WHERE status = 'failure'") == SignalKind::gauge);
    CHECK(kind_of_query("SELECT (SELECT count(*) AS failure FROM t)") == SignalKind::gauge);
}

TEST_CASE("one number is one row's; NULL, no row, more rows and no number are unknown, never 0") {
    CHECK(sql_number(rows({"n"}, {{"4.5"}})) == 4.5);
    CHECK(sql_number(rows({"n"}, {})).error().what.starts_with("missing: "));
    CHECK(sql_number(rows({"n"}, {{std::nullopt}})).error().what.starts_with("missing: "));
    CHECK(sql_number(rows({"n"}, {{"1"}, {"2"}})).error().what.starts_with("content: one row"));
    CHECK(sql_number(rows({"n"}, {{"00:10:00"}})).error().what.starts_with("content: "));
    CHECK(sql_number(rows({"n"}, {{"NaN"}})).error().what.starts_with("content: "));
}

TEST_CASE("a boolean is a state, with its reason") {
    CHECK(sql_state(rows({"ok"}, {{"t"}}))->ok);
    auto const failed = sql_state(rows({"ok", "why"}, {{"f", "2 orders without a customer"}}));
    CHECK(failed->reason == "sql: 2 orders without a customer");
    CHECK_FALSE(failed->ok);
    CHECK_FALSE(sql_state(rows({"n"}, {{"1"}})));
    CHECK(sql_text(rows({"v"}, {{"v7"}})) == "v7");
}

TEST_CASE("rows are counted with their time, id and by, in order of time") {
    auto const counts = sql_counts(
        rows(
            {"provider", "at", "id", "success", "failure", "reason", "client"},
            {{"b", "2026-01-31 12:00:02+00", "e2", "0", "1", "declined", "u2"},
             {"a", "2026-01-31 12:00:01+00", "e1", "1", "0", std::nullopt, std::nullopt}}
        ),
        "provider"
    );
    REQUIRE(counts);
    CHECK(counts->at(0).by == "a");
    CHECK(counts->at(0).id == "e1");
    CHECK(counts->at(0).value.success == 1);
    CHECK(counts->at(0).client.empty());
    CHECK(counts->at(1).client == "u2");
    CHECK(counts->at(1).value == OutcomesValue{0, 1, 0, "declined"});
    CHECK(counts->at(1).at == parse_rfc3339("2026-01-31T12:00:02Z").value());
}

TEST_CASE("counts that are none make the whole answer unknown") {
    CHECK(
        sql_counts(rows({"n"}, {{"1"}}), "").error().what.find("no column success") !=
        std::string::npos
    );
    CHECK(sql_counts(rows({"success"}, {{std::nullopt}}), "").error().what.starts_with("missing: ")
    );
    CHECK(sql_counts(rows({"failure"}, {{"-1"}}), "").error().what.starts_with("content: "));
    CHECK(
        sql_counts(rows({"failure"}, {{"1"}}), "provider").error().what.find("provider") !=
        std::string::npos
    );
    CHECK(sql_counts(rows({"failure", "at"}, {{"1", "noon"}}), "")
              .error()
              .what.starts_with("content: "));
    CHECK(sql_counts(rows({"failure"}, {}), "")->empty());
}

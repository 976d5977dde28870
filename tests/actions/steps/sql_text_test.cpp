#include "actions/steps/sql_text.hpp"

#include "actions/steps/database.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;
using namespace std::chrono_literals;

namespace {

SqlWish statement(std::string query) {
    SqlWish wish;
    wish.query = std::move(query);
    wish.limit = 2s;
    return wish;
}

bool contains(std::string const& text, std::string const& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a statement is one transaction that ends with its commit") {
    CHECK(
        psql_text(statement(" UPDATE a SET b = 1; \n")) ==
        "BEGIN;\nSET LOCAL statement_timeout = 2000;\n"
        "SELECT txid_current() AS rollbackd_transaction \\gset\n"
        "\\warn 'rollbackd transaction' :rollbackd_transaction\n"
        "UPDATE a SET b = 1\n;\nCOMMIT;\n"
    );
}

TEST_CASE("rows that were not expected are taken back before the commit") {
    auto wish = statement("UPDATE a SET b = 1");
    wish.rows = 1;
    auto const text = psql_text(wish);
    CHECK(contains(text, ":rollbackd_rows::bigint BETWEEN 1 AND 1"));
    CHECK(text.find("RAISE EXCEPTION") < text.find("COMMIT"));
    CHECK(expectation(wish) == "1 row");
    wish.rows.reset();
    wish.rows_min = 2;
    CHECK(contains(psql_text(wish), "BETWEEN 2 AND 9223372036854775807"));
    CHECK(expectation(wish) == "at least 2 rows");
}

TEST_CASE("a question is asked read-only, and its answer compared as a number or as a text") {
    auto wish = statement("SELECT count(*) FROM users;");
    wish.value_min = 100;
    auto text = psql_text(wish);
    CHECK(text.starts_with("BEGIN READ ONLY;\n"));
    CHECK(contains(text, "SELECT (SELECT count(*) FROM users\n) AS rollbackd_value"));
    CHECK(contains(text, ":'rollbackd_value'::numeric >= 100 AS"));
    wish.value_min.reset();
    wish.value = "it's; DROP";
    text = psql_text(wish);
    CHECK(contains(text, "\\set rollbackd_wanted 'it\\'s; DROP'\n"));
    CHECK(contains(text, ":'rollbackd_value' = :'rollbackd_wanted'"));
}

TEST_CASE("a value is one argument of psql, whatever is in it") {
    CHECK(psql_set("a", "plain") == "\\set a 'plain'\n");
    CHECK(psql_set("a", "x' \\! id \n\r:b") == "\\set a 'x\\' \\\\! id \\n\\r:b'\n");
}

TEST_CASE("what cannot be meant is refused when it is read") {
    CHECK_FALSE(check_wish(statement(" ;\n")));
    auto wish = statement("SELECT 1");
    CHECK(check_wish(wish));
    wish.values = {{"PORT", "1"}};
    CHECK(check_wish(wish).error().where == "values");
    wish.values = {{"port_2", "1"}};
    CHECK(check_wish(wish));
    wish.rows = 1;
    wish.value = "1";
    CHECK(check_wish(wish).error().where == "expect");
    wish.value.reset();
    wish.transaction = false;
    CHECK(check_wish(wish).error().where == "transaction");
}

TEST_CASE("what deletes is known by its words, not by those in texts and comments") {
    CHECK(destroys_rows("delete from users"));
    CHECK(destroys_rows("SELECT 1; DROP TABLE a"));
    CHECK(destroys_rows("WITH gone AS (DELETE FROM a RETURNING 1) SELECT 1"));
    CHECK(destroys_rows("ALTER TABLE a/* */DROP COLUMN b"));
    CHECK_FALSE(destroys_rows("UPDATE a SET deleted = true"));
    CHECK_FALSE(destroys_rows("SELECT 'drop', \"delete\" -- truncate\n/* delete */"));
}

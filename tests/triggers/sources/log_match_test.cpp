#include "triggers/sources/log_match.hpp"

#include "tests/catch.hpp"
#include "triggers/sources/registry.hpp"

using namespace rollbackd;

namespace {

Now now() { return {Instant(std::chrono::hours(10)), WallTime(std::chrono::hours(24 * 365 * 56))}; }

LogMatcher matcher(char const* params, std::string by = {}) {
    SignalPolicy signal;
    signal.name = "log";
    signal.by = std::move(by);
    signal.params = parse_json(params)->as_object();
    auto made = LogMatcher::make("shop", signal);
    REQUIRE(made);
    return std::move(*made);
}

std::string reason(LogMatcher const& of, std::string text) {
    RawLine line;
    line.text = std::move(text);
    auto const sample = of.read(line, now());
    if (!sample) return "ignored";
    auto const& counts = std::get<OutcomesValue>(sample->value);
    CHECK(counts.success + counts.failure == 1);
    return counts.failure == 1 ? counts.reason : "ok";
}

bool finds(char const* pattern, std::string const& text) {
    auto const params = std::string("{\"patterns\":[\"") + pattern + "\"]}";
    return reason(matcher(params.c_str()), text).starts_with(pattern);
}

}  // namespace

TEST_CASE("the runbooks' symptoms are found in the words of the programs that say them") {
    CHECK(finds("missing_relation", R"(ERROR:  relation "orders" does not exist at character 15)"));
    CHECK(
        finds("missing_relation", "The table `public.User` does not exist in the current database.")
    );
    CHECK(finds("missing_column", R"(ERROR:  column "plan" of relation "users" does not exist)"));
    CHECK(finds("missing_column", "column users.plan does not exist"));
    CHECK(finds("failed_migration", "Error: P3009 migrate found failed migrations"));
    CHECK(finds("failed_migration", "alembic.util.exc: Can't locate revision identified by 'ab12'")
    );
    CHECK(finds("no_space", "write /var/lib/x: no space left on device"));
    CHECK(finds("no_space", "Error: ENOSPC: write"));
    CHECK(finds("out_of_memory", "FATAL ERROR: Reached heap limit - JavaScript heap out of memory")
    );
    CHECK(finds("crash_on_start", "Error: Cannot find module 'express'"));
    CHECK(finds("crash_on_start", "Error: listen EADDRINUSE: address already in use :::3000"));
    CHECK(finds("database_refused", "connect ECONNREFUSED 127.0.0.1:5432"));
    CHECK(finds("database_refused", "FATAL:  sorry, too many clients already"));
    CHECK(finds("error", R"({"level":"error","msg":"boom"})"));
    CHECK(finds("error", "2026-01-31 12:00:00 ERROR payment failed"));
    CHECK(finds("error", "Traceback (most recent call last):"));
    CHECK(finds("error", "TypeError: Cannot read properties of undefined (reading 'id')"));
    CHECK(finds("error", "0|api | 2026-01-31: TypeError: cart.total is not a function"));
    CHECK(finds("error", "ReferenceError: price is not defined"));
    CHECK(finds("error", "PrismaClientKnownRequestError: "));
    CHECK_FALSE(finds("error", "0 errors, no ERRORS here: terror"));
    // The last line of a traceback that was counted.
    CHECK_FALSE(finds("error", "TypeError: unsupported operand type(s) for +: 'int' and 'str'"));
    CHECK_FALSE(finds("no_space", "space left: 20 GB"));
}

TEST_CASE("every line that is looked at is a failure or a success, and ignored ones are neither") {
    auto const some = matcher(R"({"fail":["declined"],"ignore":["test card"]})");
    CHECK(reason(some, "payment declined") == "match: payment declined");
    CHECK(reason(some, "payment declined: test card") == "ignored");
    CHECK(reason(some, "all is well") == "ok");
    CHECK(reason(some, "ERROR of another kind") == "ok");
    CHECK(reason(some, "  \t") == "ignored");
}

TEST_CASE("a line's own time counts where it has one with an offset") {
    auto const at = [](std::string const& text) { return time_at_head(text); };
    CHECK(at("2026-01-31T12:00:00Z ERROR x") == *parse_rfc3339("2026-01-31T12:00:00Z"));
    CHECK(at("[2026-01-31T13:00:00.5+01:00] x") == *parse_rfc3339("2026-01-31T12:00:00.5Z"));
    for (auto const* const text : {"2026-01-31 12:00:00 x", "ERROR", "", "[", "12:00", "2026"}) {
        INFO(text);
        CHECK_FALSE(at(text));
    }
}

TEST_CASE("each pattern has a streak of its own where it is asked for") {
    auto const some = matcher(R"({"patterns":["no_space","error"]})", "pattern");
    RawLine line;
    line.text = "ERROR: no space left on device";
    CHECK(some.read(line, now())->by == "no_space");
    line.text = "ERROR: else";
    CHECK(some.read(line, now())->by == "error");
}

TEST_CASE("a long line, or one with escapes, is shown short and plain") {
    auto const said = reason(matcher("{}"), "ERROR \x1b[31m" + std::string(5000, 'x'));
    CHECK(said.size() < 300);
    CHECK(said.find('\x1b') == std::string::npos);
}

TEST_CASE("what is wrong with a log signal is found before it is read") {
    auto const mistakes = [](char const* params) {
        SignalPolicy signal;
        signal.type = "log";
        signal.params = parse_json(params)->as_object();
        return check_source(signal);
    };
    auto const unknown = mistakes(R"({"path":"/a","patterns":["no_spce"]})");
    REQUIRE(unknown.size() == 1);
    CHECK(unknown[0].what == "there is no pattern called no_spce, did you mean no_space?");
    CHECK(mistakes(R"({"path":"/a","fail":["("]})").at(0).where == "fail");
    CHECK(mistakes(R"({"path":"/a","ignore":["("]})").at(0).where == "ignore");
    CHECK(mistakes(R"({"path":"/a"})").empty());
}

TEST_CASE("a line without any of the patterns ends the streaks of all") {
    auto const some = matcher(R"({"patterns":["no_space","error"]})", "pattern");
    RawLine line;
    line.text = "GET / 200";
    auto const clean = some.read(line, now());
    CHECK(clean->ends_all);
    CHECK(clean->by.empty());
    line.text = "ERROR: else";
    CHECK_FALSE(some.read(line, now())->ends_all);
    line.text = "GET / 200";
    CHECK_FALSE(matcher("{}").read(line, now())->ends_all);
}

TEST_CASE("a log's failures are told apart by nothing but their pattern") {
    SignalPolicy signal;
    signal.type = "log";
    signal.by = "provider";
    signal.params = parse_json(R"({"path":"/a"})")->as_object();
    auto const problems = check_source(signal);
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].where == "by");
}

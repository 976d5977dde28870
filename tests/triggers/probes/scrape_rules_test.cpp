#include "triggers/probes/scrape_rules.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;
using namespace std::chrono_literals;

namespace {

struct Fixture {
    explicit Fixture(char const* params, std::string by = "")
        : rules(ScrapeRules::make(parse_json(params)->get_object(), std::move(by)).value()) {}

    Result<ProbeAnswer> look(std::string const& text) {
        now += 10s;
        return rules.read(text, now, totals);
    }
    OutcomesValue counts(std::string const& text) {
        auto const answer = look(text);
        REQUIRE(answer);
        REQUIRE(answer->more.size() == 1);
        return std::get<OutcomesValue>(answer->more[0].value);
    }
    double number(std::string const& text) {
        auto const answer = look(text);
        REQUIRE(answer);
        return std::get<GaugeValue>(answer->value.value()).value;
    }
    std::string refused(std::string const& text) {
        auto const answer = look(text);
        REQUIRE_FALSE(answer);
        return answer.error().what;
    }

    ScrapeRules rules;
    WallTime now = parse_rfc3339("2026-01-31T12:00:00Z").value();
    Totals totals{"requests", 1min};
};

std::string requests(int ok, int missing, int failed) {
    return "req_total{code=\"200\"} " + std::to_string(ok) + "\nreq_total{code=\"404\"} " +
           std::to_string(missing) + "\nreq_total{code=\"503\"} " + std::to_string(failed) + "\n";
}

}  // namespace

TEST_CASE("a counter's growth is outcomes by the status that stands in a label") {
    Fixture f(R"({"counter":"req_total"})");
    auto const first = f.look(requests(1000, 10, 5));
    REQUIRE(first);
    CHECK((!first->value && first->more.empty() && first->note.empty()));  // only remembered
    CHECK(f.counts(requests(1007, 13, 7)) == OutcomesValue{7, 2, 3, {}});
    CHECK(f.counts(requests(1007, 13, 7)) == OutcomesValue{});
}

TEST_CASE("a counter that begins anew counts from 0, and a new series from its beginning") {
    Fixture f(R"({"counter":"req_total"})");
    (void)f.look("req_total{code=\"200\"} 1000\n");
    CHECK(f.counts("req_total{code=\"200\"} 3\n") == OutcomesValue{3, 0, 0, {}});
    CHECK(
        f.counts("req_total{code=\"200\"} 3\nreq_total{code=\"500\"} 2\n") ==
        OutcomesValue{0, 2, 0, {}}
    );
}

TEST_CASE("an application that has just been started has no series yet, and they count from 0") {
    Fixture f(R"({"counter":"req_total"})");
    (void)f.look(requests(10, 0, 0));
    CHECK(f.refused("up 1\n").starts_with("missing: "));
    CHECK(f.counts("req_total{code=\"500\"} 4\n") == OutcomesValue{0, 4, 0, {}});
}

TEST_CASE("labels say what fails and what is looked at, as a value, a class or an expression") {
    Fixture f(
        R"({"counter":"job_total","match":{"queue":"~mail.*"},"fail":{"result":"~error|timeout"},
                  "neutral":{"result":"skipped"}})"
    );
    auto const text = [](int ok, int error, int skipped, int other) {
        return "job_total{queue=\"mail-1\",result=\"ok\"} " + std::to_string(ok) +
               "\njob_total{queue=\"mail-2\",result=\"timeout\"} " + std::to_string(error) +
               "\njob_total{queue=\"mail-2\",result=\"skipped\"} " + std::to_string(skipped) +
               "\njob_total{queue=\"sms\",result=\"error\"} " + std::to_string(other) + "\n";
    };
    (void)f.look(text(0, 0, 0, 0));
    CHECK(f.counts(text(1, 2, 3, 9)) == OutcomesValue{1, 2, 3, {}});
}

TEST_CASE("a second counter may be the failures of the first") {
    Fixture f(R"({"counter":"jobs_total","failures":"jobs_failed_total"})");
    (void)f.look("jobs_total 10\njobs_failed_total 1\n");
    CHECK(f.counts("jobs_total 20\njobs_failed_total 4\n") == OutcomesValue{7, 3, 0, {}});
}

TEST_CASE("by keeps the values of a label apart") {
    Fixture f(R"({"counter":"hook_total"})", "provider");
    auto const text = [](int a, int b) {
        return "hook_total{provider=\"a\",code=\"500\"} " + std::to_string(a) +
               "\nhook_total{provider=\"b\",code=\"500\"} " + std::to_string(b) + "\n";
    };
    (void)f.look(text(0, 0));
    auto const answer = f.look(text(1, 2));
    REQUIRE(answer->more.size() == 2);
    CHECK(answer->more[0].by == "a");
    CHECK(std::get<OutcomesValue>(answer->more[1].value).failure == 2);
}

TEST_CASE("a counter that does not say what failed is unknown, not all good") {
    Fixture f(R"({"counter":"jobs_total"})");
    CHECK(f.refused("jobs_total 7\n").find("fail") != std::string::npos);
}

TEST_CASE("a gauge is the one series that fits, or what they make together") {
    std::string const text = "queue{name=\"a\"} 4\nqueue{name=\"b\"} 6\n";
    CHECK(Fixture(R"({"gauge":"queue","match":{"name":"b"}})").number(text) == 6);
    CHECK(Fixture(R"({"gauge":"queue","combine":"sum"})").number(text) == 10);
    CHECK(Fixture(R"({"gauge":"queue","combine":"avg"})").number(text) == 5);
    CHECK(Fixture(R"({"gauge":"queue","combine":"min"})").number(text) == 4);
    CHECK(Fixture(R"({"gauge":"queue","combine":"max"})").number(text) == 6);
    CHECK(Fixture(R"({"gauge":"queue"})").refused(text).starts_with("content: 2 series"));
    CHECK(Fixture(R"({"gauge":"queue"})").refused("queue NaN\n").starts_with("content: "));
    CHECK(Fixture(R"({"gauge":"queue"})").refused("other 1\n").starts_with("missing: "));
    CHECK(Fixture(R"({"gauge":"queue"})").refused("<html>").starts_with("garbage: line 1"));
}

TEST_CASE("a histogram is the quantile of what was observed since the last look") {
    Fixture f(R"({"histogram":"lat","quantile":0.5})");
    auto const text = [](int a, int b, int c) {
        return "lat_bucket{le=\"0.1\"} " + std::to_string(a) + "\nlat_bucket{le=\"1\"} " +
               std::to_string(b) + "\nlat_bucket{le=\"+Inf\"} " + std::to_string(c) +
               "\nlat_sum 3\n";
    };
    CHECK_FALSE(f.look(text(1000, 1000, 1000))->value);
    CHECK(f.number(text(1000, 1010, 1010)) == Approx(0.55));  // ten between 0.1 and 1
    CHECK(f.refused(text(1000, 1010, 1010)).starts_with("missing: nothing was observed"));
    CHECK(f.number(text(1000, 1010, 1020)) == 1);  // above the last bound: the bound
}

TEST_CASE("quantiles of odd buckets are none or bounded") {
    auto const inf = std::numeric_limits<double>::infinity();
    CHECK_FALSE(quantile_of({}, 0.5));
    CHECK_FALSE(quantile_of({{1, 5}}, 0.5));
    CHECK_FALSE(quantile_of({{1, 0}, {inf, 0}}, 0.5));
    CHECK(quantile_of({{1, 10}, {inf, 10}}, 0.9) == Approx(0.9));
    CHECK(quantile_of({{1, 7}, {2, 3}, {inf, 10}}, 0.95));  // not even cumulative
}

TEST_CASE("what affected() counts is a label, beside the one that keeps streaks apart") {
    Fixture f(R"({"counter":"req_total","affected":"handler"})", "job");
    auto const page = [](int a, int b) {
        auto const line = [](char const* handler, char const* code, int value) {
            return std::string("req_total{job=\"web\",handler=\"") + handler + "\",code=\"" + code +
                   "\"} " + std::to_string(value) + "\n";
        };
        return line("/a", "200", a) + line("/b", "200", 7) + line("/b", "500", b);
    };
    REQUIRE(f.look(page(1, 1)));
    auto const answer = f.look(page(4, 3));
    REQUIRE(answer);
    REQUIRE(answer->more.size() == 2);
    CHECK(answer->more[0].client == "/a");
    CHECK(answer->more[0].by == "web");
    CHECK(std::get<OutcomesValue>(answer->more[0].value).success == 3);
    CHECK(answer->more[1].client == "/b");
    CHECK(std::get<OutcomesValue>(answer->more[1].value).failure == 2);
}

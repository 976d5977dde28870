// What a test's series say, word by word.
#include "cli/rehearsal/series.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;
using namespace rollbackd::cli;
using namespace std::chrono_literals;

namespace {

Series parsed(std::string const& text, SignalKind kind) {
    auto series = Series::parse(text, kind);
    INFO(text << ": " << (series ? "" : series.error().what));
    REQUIRE(series);
    return *std::move(series);
}

bool is_refused(std::string const& text, SignalKind kind) {
    return !Series::parse(text, kind).has_value();
}

}  // namespace

TEST_CASE("xN is N more of the same, as promtool has it") {
    auto const series = parsed("okx2 _x3 fail(timeout)", SignalKind::state);
    CHECK(series.size() == 7);
    for (auto const i : {0U, 1U, 2U}) {
        CHECK(std::get<StateValue>(series.at(i).value()).ok);
    }
    for (auto const i : {3U, 4U, 5U}) CHECK_FALSE(series.at(i).has_value());
    auto const failed = std::get<StateValue>(series.at(6).value());
    CHECK_FALSE(failed.ok);
    CHECK(failed.reason == "timeout");
    CHECK_FALSE(series.at(7).has_value());
}

TEST_CASE("a state has its latency, or its reason, and may be written as a number") {
    auto const series = parsed("ok(250ms) 1 0", SignalKind::state);
    CHECK(std::get<StateValue>(series.at(0).value()).latency == 250ms);
    CHECK(std::get<StateValue>(series.at(1).value()).ok);
    CHECK_FALSE(std::get<StateValue>(series.at(2).value()).ok);
}

TEST_CASE("outcomes are counts, or a single one") {
    auto const series = parsed("97/3x1 97/3/5 ok fail(declined)", SignalKind::outcomes);
    CHECK(series.size() == 5);
    CHECK(std::get<OutcomesValue>(series.at(1).value()) == OutcomesValue{97, 3, 0, ""});
    CHECK(std::get<OutcomesValue>(series.at(2).value()) == OutcomesValue{97, 3, 5, ""});
    CHECK(std::get<OutcomesValue>(series.at(3).value()) == OutcomesValue{1, 0, 0, ""});
    CHECK(std::get<OutcomesValue>(series.at(4).value()) == OutcomesValue{0, 1, 0, "declined"});
}

TEST_CASE("gauges count up and down") {
    auto const series = parsed("30-1x2 -5 0.5+0.25x1 1e-3", SignalKind::gauge);
    std::vector<double> values;
    for (std::uint64_t i = 0; i < series.size(); ++i) {
        values.push_back(std::get<GaugeValue>(series.at(i).value()).value);
    }
    CHECK(values == std::vector<double>{30, 29, 28, -5, 0.5, 0.75, 1e-3});
}

TEST_CASE("texts stand in quotation marks, blanks and all") {
    auto const series = parsed("\"v 1\"x1 unknown(away)", SignalKind::text);
    CHECK(std::get<TextValue>(series.at(1).value()).text == "v 1");
    CHECK(std::get<UnknownValue>(series.at(2).value()).reason == "away");
}

TEST_CASE("a series of a billion values takes no room") {
    auto const series = parsed("okx999999999 fail", SignalKind::state);
    CHECK(series.size() == 1'000'000'001);
    CHECK_FALSE(std::get<StateValue>(series.at(1'000'000'000).value()).ok);
}

TEST_CASE("what fits no kind is refused with what would") {
    for (auto const* text : {"", "x3", "yes", "97/3", "1.5", "ok(soon)", "stale", "\"ok\""}) {
        INFO(text);
        CHECK(is_refused(text, SignalKind::state));
    }
    for (auto const* text : {"97", "97/", "/3", "1/2/3/4", "-1/2", "v1"}) {
        INFO(text);
        CHECK(is_refused(text, SignalKind::outcomes));
    }
    for (auto const* text : {"ok", "nan", "inf", "1+", "1-2", "0x10x", "1x9999999999"}) {
        INFO(text);
        CHECK(is_refused(text, SignalKind::gauge));
    }
    CHECK(is_refused("v1", SignalKind::text));
    auto const stale = Series::parse("okx2 stale", SignalKind::state);
    REQUIRE_FALSE(stale);
    CHECK(stale.error().what.find("write _") != std::string::npos);
}

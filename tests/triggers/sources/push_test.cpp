#include "triggers/sources/push.hpp"

#include "tests/catch.hpp"

using namespace rollbackd;
using namespace std::chrono_literals;

namespace {

Now const now{Instant(1h), WallTime(std::chrono::sys_days(std::chrono::year(2026) / 1 / 31))};

SignalPolicy signal(SignalKind kind, std::string by = {}) {
    SignalPolicy made;
    made.name = "payments";
    made.type = "push";
    made.kind = kind;
    made.by = std::move(by);
    return made;
}

/// As the API reads it, without the document: tests/api/contract_test.cpp has what that refuses.
Result<std::vector<Sample>> read(std::string_view body, SignalPolicy const& policy, bool ndjson) {
    auto const any = [](Json const&) { return Result<void>(); };
    if (ndjson) return read_push_lines(body, any, policy, "shop", now);
    auto sample = read_push(parse_json(body).value().as_object(), policy, "shop", now);
    if (!sample) return tl::unexpected<Error>(sample.error());
    return std::vector<Sample>{*sample};
}

std::vector<Sample> good(std::string_view body, SignalPolicy const& policy, bool ndjson = false) {
    auto const samples = read(body, policy, ndjson);
    INFO((samples ? std::string() : to_string(samples.error())));
    REQUIRE(samples.has_value());
    return *samples;
}

Error wrong(std::string_view body, SignalPolicy const& policy, bool ndjson = false) {
    auto const samples = read(body, policy, ndjson);
    CAPTURE(std::string(body));
    REQUIRE_FALSE(samples.has_value());
    return samples.error();
}

}  // namespace

TEST_CASE("a pushed outcome counts one, now, for its service and signal") {
    auto const samples = good(R"({"ok":true})", signal(SignalKind::outcomes));
    REQUIRE(samples.size() == 1);
    Sample expected;
    expected.service = "shop";
    expected.signal = "payments";
    expected.at = now.boot;
    expected.value = OutcomesValue{1, 0, 0, ""};
    CHECK(samples[0] == expected);
}

TEST_CASE("a pushed failure carries reason, id, client, time and the value of its key") {
    auto const samples = good(
        R"({"ok":false,"reason":"card declined","id":"evt_1","client":"192.0.2.7",)"
        R"("provider":"stripe","at":"2026-01-30T23:59:50Z"})",
        signal(SignalKind::outcomes, "provider")
    );
    REQUIRE(samples.size() == 1);
    CHECK(std::get<OutcomesValue>(samples[0].value) == OutcomesValue{0, 1, 0, "card declined"});
    CHECK(samples[0].id == "evt_1");
    CHECK(samples[0].client == "192.0.2.7");
    CHECK(samples[0].by == "stripe");
    CHECK(samples[0].at == now.boot - 10s);
}

TEST_CASE("every kind takes its own form") {
    auto const counts = good(R"({"success":97,"failure":3})", signal(SignalKind::outcomes));
    CHECK(std::get<OutcomesValue>(counts[0].value) == OutcomesValue{97, 3, 0, ""});
    auto const state = good(R"({"ok":false,"reason":"disk"})", signal(SignalKind::state));
    CHECK(std::get<StateValue>(state[0].value) == StateValue{false, "disk", {}});
    auto const gauge = good(R"({"value":-1.5})", signal(SignalKind::gauge));
    CHECK(std::get<GaugeValue>(gauge[0].value).value == -1.5);
    auto const whole = good(R"({"value":7})", signal(SignalKind::gauge));
    CHECK(std::get<GaugeValue>(whole[0].value).value == 7);
    auto const text = good(R"({"text":"v2"})", signal(SignalKind::text));
    CHECK(std::get<TextValue>(text[0].value).text == "v2");
}

TEST_CASE("what belongs to another kind is refused with the form this one takes") {
    for (auto const& [body, kind] : std::vector<std::pair<std::string, SignalKind>>{
             {R"({"value":1})", SignalKind::outcomes},
             {R"({"success":1,"failure":0})", SignalKind::state},
             {R"({"ok":true})", SignalKind::gauge},
             {R"({"value":1})", SignalKind::text},
             {R"({})", SignalKind::outcomes},
         }) {
        auto const error = wrong(body, signal(kind));
        CHECK(error.code == Errc::invalid);
        CHECK(error.what.find("takes {") != std::string::npos);
    }
}

TEST_CASE("an unknown member is named with the nearest known one") {
    auto const error = wrong(R"({"ok":true,"reson":"x"})", signal(SignalKind::outcomes));
    CHECK(error.where == "reson");
    CHECK(error.what.find("did you mean \"reason\"") != std::string::npos);
}

TEST_CASE("a count may be written in any way that is a whole number") {
    auto const outcomes = signal(SignalKind::outcomes);
    for (auto const* four : {"4", "4.0", "4E0", "4e+0", "0.4e1", "40e-1", "4.000"}) {
        CAPTURE(four);
        auto const body = R"({"success":97,"failure":)" + std::string(four) + "}";
        CHECK(std::get<OutcomesValue>(good(body, outcomes)[0].value).failure == 4);
    }
}

TEST_CASE("an absent count is not taken as none") {
    CHECK(wrong(R"({"success":97})", signal(SignalKind::outcomes)).where == "failure");
}

TEST_CASE("mixtures, and a key that is none, are refused by member") {
    auto const outcomes = signal(SignalKind::outcomes, "provider");
    for (auto const& [body, where] : std::vector<std::pair<std::string, std::string>>{
             {R"({"ok":true,"success":1,"failure":0})", "ok"},
             {R"({"ok":true,"provider":[]})", "provider"},
             {R"({"ok":true,"provider":")" + std::string(300, 'x') + "\"}", "provider"},
         }) {
        CHECK(wrong(body, outcomes).where == where);
    }
    CHECK(wrong(R"({"value":1e400})", signal(SignalKind::gauge)).where == "value");
}

TEST_CASE("lines are ordered by time, then by line, and blank ones are nothing") {
    auto const samples = good(
        "{\"value\":1,\"at\":\"2026-01-30T23:59:30Z\"}\r\n"
        "\n"
        "{\"value\":2,\"at\":\"2026-01-30T23:59:20Z\"}\n"
        "  \n"
        "{\"value\":3,\"at\":\"2026-01-30T23:59:30Z\"}\n"
        "{\"value\":4}",
        signal(SignalKind::gauge), true
    );
    std::vector<double> order;
    for (auto const& sample : samples) order.push_back(std::get<GaugeValue>(sample.value).value);
    CHECK(order == std::vector<double>{2, 1, 3, 4});
}

TEST_CASE("one wrong line refuses the whole body, with its number") {
    auto const outcomes = signal(SignalKind::outcomes);
    CHECK(wrong("{\"ok\":true}\n\n{\"ok\":maybe}\n", outcomes, true).where == "line 3");
    CHECK(wrong("{\"ok\":true}\n{\"okay\":true}\n", outcomes, true).where == "line 2: okay");
    CHECK(wrong("\n\n", outcomes, true).code == Errc::invalid);
}

TEST_CASE("what a line is held against says where it is wrong, with the line's number") {
    auto const check = [](Json const& line) -> Result<void> {
        if (find(line, "ok")->is_bool()) return {};
        return fail(Errc::invalid, "expected true or false", "ok");
    };
    auto const outcomes = signal(SignalKind::outcomes);
    auto const samples =
        read_push_lines("{\"ok\":true}\n{\"ok\":7}\n", check, outcomes, "shop", now);
    REQUIRE_FALSE(samples);
    CHECK(to_string(samples.error()) == "line 2: ok: expected true or false");
}

TEST_CASE("a body of too many samples is refused as too large") {
    std::string body;
    for (std::size_t i = 0; i <= push_samples_max; ++i) body += "{\"ok\":true}\n";
    CHECK(wrong(body, signal(SignalKind::outcomes), true).code == Errc::too_large);
}

TEST_CASE("a reason is made printable and cut") {
    auto const samples = good(
        "{\"ok\":false,\"reason\":\"\\u001b[31m" + std::string(2000, 'x') + "\"}",
        signal(SignalKind::outcomes)
    );
    auto const& reason = std::get<OutcomesValue>(samples[0].value).reason;
    CHECK(reason.find('\x1b') == std::string::npos);
    CHECK(reason.size() < 600);
}

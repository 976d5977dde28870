#include "triggers/probes/json_rules.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;
using namespace std::chrono_literals;

namespace {

struct Fixture {
    explicit Fixture(char const* params, std::string by = "")
        : rules(JsonRules::make(parse_json(params)->get_object(), std::move(by)).value()) {}

    Result<ProbeAnswer> look(char const* body) {
        now += 10s;
        return rules.read(body, now, totals);
    }
    double number(char const* body) {
        auto const answer = look(body);
        REQUIRE(answer);
        return std::get<GaugeValue>(answer->value.value()).value;
    }
    std::string refused(char const* body) {
        auto const answer = look(body);
        REQUIRE_FALSE(answer);
        return answer.error().what;
    }

    JsonRules rules;
    WallTime now = parse_rfc3339("2026-01-31T12:00:00Z").value();
    Totals totals{"", 1min};
};

}  // namespace

TEST_CASE("a number is taken by its pointer; a missing one, null or a text is unknown, never 0") {
    Fixture f(R"({"value":"/queue/length"})");
    CHECK(f.number(R"({"queue":{"length":4}})") == 4);
    CHECK(f.number(R"({"queue":{"length":"4.5"}})") == 4.5);
    CHECK(f.refused(R"({"queue":{}})") == "missing: the answer has no /queue/length");
    CHECK(f.refused(R"({"queue":{"length":null}})").starts_with("missing: "));
    CHECK(f.refused(R"({"queue":{"length":"many"}})").starts_with("content: "));
    CHECK(f.refused(R"({"queue":{"length":true}})").starts_with("content: "));
    CHECK(f.refused("<html>").starts_with("garbage: "));
}

TEST_CASE("a list is as long as its members that fit, and as old as the oldest") {
    auto const* const body =
        R"({"data":[{"type":"a","created":1769860800},{"type":"b","created":1769857200}]})";
    CHECK(Fixture(R"({"items":"/data"})").number(body) == 2);
    CHECK(Fixture(R"({"items":"/data","where":{"/type":"a"}})").number(body) == 1);
    CHECK(Fixture(R"({"items":"/data","oldest":"/created"})").number(body) == 3610);
    CHECK(Fixture(R"({"items":"/data","oldest":"/created"})").number(R"({"data":[]})") == 0);
    CHECK(Fixture(R"({"items":"/data","oldest":"/sent"})").refused(body).starts_with("missing: "));
    CHECK(
        Fixture(R"({"items":"/data","where":{"/kind":"a"}})").refused(body).starts_with("missing: ")
    );
    CHECK(Fixture(R"({"items":"/data"})").refused("{}").starts_with("missing: "));
    CHECK(Fixture(R"({"items":""})").number("[1,2,3]") == 3);
}

TEST_CASE("members of a list are outcomes with id, time and by, in order of time") {
    Fixture f(
        R"({"items":"","fail":{"/ok":false},"neutral":{"/test":true},"id":"/id","at":"/at"})",
        "provider"
    );
    auto const answer = f.look(
        R"([{"id":"e2","at":"2026-01-31T12:00:02Z","provider":"b","ok":false,"test":false},
            {"id":7,"at":"2026-01-31T12:00:01Z","provider":"a","ok":true,"test":true}])"
    );
    REQUIRE(answer);
    REQUIRE(answer->more.size() == 2);
    CHECK(answer->more[0].id == "7");
    CHECK(answer->more[0].by == "a");
    CHECK(std::get<OutcomesValue>(answer->more[0].value).neutral == 1);
    CHECK(std::get<OutcomesValue>(answer->more[1].value).failure == 1);
    CHECK(f.refused(R"([{"id":"e3","at":"x","provider":"a","ok":true,"test":false}])")
              .starts_with("content: "));
    CHECK(
        f.refused(R"([{"id":"e3","at":1,"ok":true,"test":false}])") ==
        "missing: the answer has no /provider"
    );
    CHECK(std::get<OutcomesValue>(*f.look("[]")->value) == OutcomesValue{});
}

TEST_CASE("counts are what they are, or what was added to them") {
    Fixture plain(R"({"success":"/ok","failure":"/bad"})");
    CHECK(
        std::get<OutcomesValue>(*plain.look(R"({"ok":7,"bad":2})")->value) ==
        OutcomesValue{7, 2, 0, {}}
    );
    CHECK(plain.refused(R"({"ok":7})").starts_with("missing: "));
    CHECK(plain.refused(R"({"ok":7,"bad":-1})").starts_with("content: "));
    Fixture grows(R"({"success":"/ok","failure":"/bad","totals":true})");
    CHECK_FALSE(grows.look(R"({"ok":100,"bad":10})")->value);
    CHECK(
        std::get<OutcomesValue>(*grows.look(R"({"ok":103,"bad":11})")->value) ==
        OutcomesValue{3, 1, 0, {}}
    );
}

TEST_CASE("a pointer without its slash is found at load") {
    for (auto const* const params :
         {R"({"value":"queue"})", R"({"items":"","fail":{"ok":false}})", R"({"items":"data"})"}) {
        CAPTURE(params);
        auto const made = JsonRules::make(parse_json(params)->get_object(), "");
        REQUIRE_FALSE(made);
        CHECK(made.error().what.find("did you mean") != std::string::npos);
    }
}

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

TEST_CASE("by is a member, a parameter of the address that stands there, or a map's own name") {
    auto const body = R"({"deliveries":{
        "stripe":{"url":"https://shop.example.com/webhooks?x=1&provider=stripe%20eu#top","ok":false},
        "paypal":{"url":"https://shop.example.com/webhooks","ok":true}}})";
    auto const names = [&](char const* by) {
        std::vector<std::string> found;
        Fixture f(R"({"items":"/deliveries","fail":{"/ok":false}})", by);
        auto const answer = f.look(body);
        REQUIRE(answer);
        for (auto const& one : answer->more) found.push_back(one.by);
        return found;
    };
    CHECK(names("#") == std::vector<std::string>{"stripe", "paypal"});
    CHECK(names("url?provider") == std::vector<std::string>{"stripe eu", ""});
    CHECK(names("/url?x") == std::vector<std::string>{"1", ""});
    CHECK(Fixture(R"({"items":"/deliveries"})").number(body) == 2);
    Fixture empty(R"({"items":"","fail":{"/ok":false}})", "url?p");
    CHECK(empty.look(R"([{"url":"","ok":true}])")->more.at(0).by.empty());
    CHECK(empty.refused(R"([{"ok":true}])") == "missing: the answer has no /url");
}

TEST_CASE("members with counts of their own are outcomes, kept apart and added up by their name") {
    Fixture plain(R"({"items":"/by","success":"/ok","failure":"/bad"})", "#");
    auto const answer =
        plain.look(R"({"by":{"stripe":{"ok":7,"bad":2},"paypal":{"ok":0,"bad":1}}})");
    REQUIRE(answer);
    REQUIRE(answer->more.size() == 2);
    CHECK(answer->more[0].by == "paypal");
    CHECK(std::get<OutcomesValue>(answer->more[0].value) == OutcomesValue{0, 1, 0, {}});
    CHECK(std::get<OutcomesValue>(answer->more[1].value) == OutcomesValue{7, 2, 0, {}});
    CHECK(std::get<OutcomesValue>(*answer->value) == OutcomesValue{});
    CHECK(plain.refused(R"({"by":{"stripe":{"ok":7}}})") == "missing: the answer has no /bad");

    // Two endpoints of one provider count together, in whatever order they come.
    Fixture grows(R"({"items":"","success":"/ok","failure":"/bad","totals":true})", "url?provider");
    auto const page = [](int first, int second) {
        return R"([{"url":"/a?provider=x","ok":1,"bad":)" + std::to_string(first) +
               R"(},{"url":"/b?provider=x","ok":1,"bad":)" + std::to_string(second) + "}]";
    };
    CHECK_FALSE(grows.look(page(5, 100).c_str())->value);
    auto const added = grows.look(page(102, 5).c_str());
    REQUIRE(added->more.size() == 1);
    CHECK(added->more[0].by == "x");
    CHECK(std::get<OutcomesValue>(added->more[0].value) == OutcomesValue{0, 2, 0, {}});
}

TEST_CASE("what affected() counts is a member, and one without it is left out") {
    Fixture f(R"({"items":"","fail":{"/ok":false},"affected":"/customer"})");
    auto const answer = f.look(R"([{"ok":false,"customer":"c1"},{"ok":true}])");
    REQUIRE(answer);
    CHECK(answer->more.at(0).client == "c1");
    CHECK(answer->more.at(1).client.empty());
}

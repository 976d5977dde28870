// The document that is served is what requests are held to, before any handler.
#include "api/contract.hpp"

#include "api/openapi.hpp"
#include "tests/api/support/fake_host.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;
using namespace rollbackd::api;
using namespace rollbackd::api::testing;

namespace {

constexpr char const* webhooks = "/v1/services/shop/signals/webhooks";

std::vector<std::string> pointers(Received const& answer) {
    std::vector<std::string> out;
    auto const problem = answer.json();
    if (auto const* const errors = find(problem, "errors")) {
        for (auto const& error : errors->as_array()) out.push_back(text_of(error, "pointer"));
    }
    return out;
}

using Pointers = std::vector<std::string>;

}  // namespace

TEST_CASE("the document that is served compiles, and with a keyword nobody knows it does not") {
    CHECK(Contract::of(openapi_document()));
    auto document = openapi_document();
    document.at("components").at("schemas").at("NewRun").as_object()["minProperties"] = 1;
    auto const made = Contract::of(document);
    REQUIRE_FALSE(made);
    CHECK(
        to_string(made.error()) ==
        "#/components/schemas/NewRun/minProperties: unknown keyword minProperties"
    );
}

TEST_CASE("what the document forbids is refused, whatever the handlers think") {
    auto document = openapi_document();
    document.at("components").at("schemas").at("Note").as_object()["maxLength"] = 3;
    auto const strict = Contract::of(document).value();
    Request request;
    REQUIRE(set_target(request, "/v1/incidents/INC-1/resolve"));
    request.method = "POST";
    request.endpoint = find_route(request).endpoint;
    request.body = R"({"reason":"long"})";
    CHECK(!contract().judge_body(request));
    auto const refused = strict.judge_body(request);
    REQUIRE(refused);
    CHECK(refused->problem->detail == "reason: longer than 3 characters");
}

TEST_CASE("a body that is no JSON is 400, one that says the wrong thing 422") {
    Desk desk;
    for (auto const* const body : {"{", "nonsense", "{\"a\":1,}", "{} {}", "\xff"}) {
        CAPTURE(body);
        CHECK(desk.post("/v1/pause", body).status == 400);
        CHECK(desk.post(webhooks, body).status == 400);
        CHECK(desk.post("/v1/alerts", body).status == 400);
    }
    for (auto const* const body : {"[]", "7", "null", "\"x\""}) {
        auto const answer = desk.post("/v1/pause", body);
        CHECK(answer.status == 422);
        CHECK(text_of(answer.json(), "detail") == "the body: expected an object");
        CHECK(pointers(answer) == Pointers{""});
    }
}

TEST_CASE("no body is as good as an empty object, except where the body is the point") {
    Desk desk;
    CHECK(desk.post("/v1/pause", " \n").status == 200);
    CHECK(pointers(desk.post("/v1/incidents/INC-1/approve", "")) == Pointers{"/plan"});
    CHECK(desk.post(webhooks, "").status == 400);
    CHECK(desk.post("/v1/alerts", " ").status == 400);
}

TEST_CASE("every mistake of a body is told at once, in one line and by its pointer") {
    Desk desk;
    auto const answer = desk.post(
        "/v1/silences", R"({"service":7,"for":"soon","until":"tomorrow","reason":" ","reson":"x"})"
    );
    CHECK(answer.status == 422);
    CHECK(text_of(answer.json(), "detail") == "service: expected a string");
    CHECK(pointers(answer) == Pointers{"/service", "/for", "/until", "/reason", "/reson"});
}

TEST_CASE("a pushed sample is held to the document, alone and in lines") {
    Desk desk;
    for (auto const& [body, where] : std::vector<std::pair<std::string, std::string>>{
             {R"({"ok":"yes"})", "/ok"},
             {R"({"ok":1})", "/ok"},
             {R"({"success":-1,"failure":0})", "/success"},
             {R"({"success":1.5,"failure":0})", "/success"},
             {R"({"success":1,"failure":1e30})", "/failure"},
             {R"({"success":1,"failure":"4"})", "/failure"},
             {R"({"ok":true,"at":"yesterday"})", "/at"},
             {R"({"ok":true,"at":5})", "/at"},
             {R"({"ok":true,"id":{}})", "/id"},
             {R"({"ok":false,"reason":3})", "/reason"},
             {R"({"value":"1"})", "/value"},
             {R"({"text":1})", "/text"},
         }) {
        CAPTURE(body);
        auto const answer = desk.post(webhooks, body);
        CHECK(answer.status == 422);
        CHECK(pointers(answer) == Pointers{where});
        auto const lines = desk.ask(
            "POST", webhooks, "{\"ok\":true}\n" + body + "\n", "ingest",
            {{"content-type", "application/x-ndjson"}}
        );
        CHECK(lines.status == 422);
        CHECK(text_of(lines.json(), "detail").starts_with("line 2: " + where.substr(1) + ": "));
    }
    CHECK(desk.host.samples.empty());
}

TEST_CASE("an alert is held to the document, and what others add to it is passed over") {
    Desk desk;
    for (auto const& [body, where] : std::vector<std::pair<std::string, std::string>>{
             {"{}", "/alerts"},
             {R"({"version":"3","alerts":[]})", "/version"},
             {R"({"alerts":[{"status":"firing"}]})", "/alerts/0/labels"},
             {R"({"alerts":[{"status":"on","labels":{}}]})", "/alerts/0/status"},
             {R"({"alerts":[{"status":"firing","labels":{"a":1}}]})", "/alerts/0/labels/a"},
             {R"({"alerts":[7]})", "/alerts/0"},
         }) {
        CAPTURE(body);
        auto const answer = desk.post("/v1/alerts", body);
        CHECK(answer.status == 422);
        CHECK(pointers(answer) == Pointers{where});
    }
    auto const more =
        R"({"version":"4","new":1,"alerts":[{"status":"firing","labels":{},"new":2}]})";
    CHECK(desk.post("/v1/alerts", more).status == 202);
}

TEST_CASE("a query is held to the document") {
    Desk desk;
    for (auto const* const query :
         {"limit=0", "limit=1001", "limit=x", "limit=", "limit=-1", "limit=1&limit=2",
          "severity=P9", "state=on", "state=", "nope=1"}) {
        CAPTURE(query);
        auto const answer = desk.get("/v1/incidents?" + std::string(query));
        CHECK(answer.status == 422);
        CHECK(text_of(answer.json(), "detail").find(' ') != std::string::npos);
    }
    CHECK(
        text_of(desk.get("/v1/incidents?limit=0").json(), "detail") ==
        "limit: expected a whole number from 1 to 1000"
    );
    CHECK(desk.get("/v1/incidents?limit=1000&severity=P0&state=open&service=shop").status == 200);
    for (auto const* const range : {"", "x", "-1s", "0s", "5", "99999999999w"}) {
        CAPTURE(range);
        CHECK(desk.get(webhooks + ("?range=" + std::string(range))).status == 422);
    }
    CHECK(desk.get(webhooks + std::string("?range=1h30m")).status == 200);
}

TEST_CASE("a name in a path that cannot exist is 404, a header that says nothing 400") {
    Desk desk;
    desk.post("/v1/services/shop/triggers/down/raise", R"({"reason":"seen"})");
    for (auto const* const n : {"0", "x", "-1", "1.5", "4294967296", "99999999999999999999"}) {
        CAPTURE(n);
        CHECK(desk.post("/v1/incidents/INC-1/steps/" + std::string(n) + "/confirm").status == 404);
        CHECK(desk.get("/v1/incidents/INC-1/steps/" + std::string(n) + "/output").status == 404);
    }
    for (auto const* const id : {"x", "-1", "", "99999999999999999999"}) {
        CAPTURE(id);
        CHECK(desk.ask("GET", "/v1/events", "", "admin", {{"last-event-id", id}}).status == 400);
    }
}

#include "tests/api/support/fake_host.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;
using namespace rollbackd::api::testing;

namespace {

void breach(Desk& desk) {
    desk.host.world.release_v2();
    desk.host.world.fail_health(3);
    desk.host.world.answer();
}

Policy advising() {
    auto policy = policy_with_tokens();
    policy.daemon.autonomy = Autonomy::advise;
    return policy;
}

}  // namespace

TEST_CASE("the plan that waits says what each of its steps would do, to whoever may look") {
    Desk desk(advising());
    breach(desk);
    auto const incident = desk.get("/v1/incidents/INC-1", "read").json();
    auto const answer = desk.get("/v1/incidents/INC-1/plan", "read");
    CHECK(answer.status == 200);
    auto const shown = answer.json();
    CHECK(text_of(shown.at("plan"), "hash") == text_of(incident.at("runs").at(0), "plan"));
    CHECK(shown.at("would").as_array().size() == shown.at("plan").at("steps").as_array().size());
    CHECK(desk.get("/v1/incidents/INC-9/plan").status == 404);
}

TEST_CASE("an incident says what it asks of a person, and nothing once that is answered") {
    Desk desk(advising());
    breach(desk);
    auto const waiting = desk.get("/v1/incidents/INC-1").json();
    CHECK(text_of(waiting.at("asks"), "for") == "plan");
    auto const body = R"({"plan":")" + text_of(waiting.at("runs").at(0), "plan") + R"("})";
    CHECK(desk.post("/v1/incidents/INC-1/reject", body, "approve").status == 200);
    auto const answered = desk.get("/v1/incidents/INC-1").json();
    CHECK(text_of(answered.at("asks"), "for") == "nothing");
}

TEST_CASE("what a running step has written is for who operates, and a step nobody knows is 404") {
    Desk desk;
    breach(desk);
    auto const path = std::string("/v1/incidents/INC-1/steps/1/output");
    auto const answer = desk.get(path, "operate").json();
    CHECK(answer.at("live") == true);
    CHECK(text_of(answer, "text") == "written by step 1 of RUN-1\n");
    CHECK(desk.get(path, "read").status == 403);
    CHECK(desk.get(path, "approve").status == 403);
    auto const later = desk.get("/v1/incidents/INC-1/steps/2/output").json();
    CHECK(later.at("live") == false);
    for (auto const* const n : {"0", "99", "x"}) {
        auto const wrong = "/v1/incidents/INC-1/steps/" + std::string(n) + "/output";
        CHECK(desk.get(wrong).status == 404);
    }
}

TEST_CASE("the status says who asks, and a trigger what it reads with which threshold") {
    Desk desk;
    CHECK(text_of(desk.get("/v1/status", "read").json().at("you"), "role") == "read");
    auto const shop = desk.get("/v1/services/shop").json();
    auto const reads = shop.at("triggers").at(0).at("reads").at(0);
    CHECK(text_of(reads, "signal") == "health");
    CHECK(text_of(reads, "function") == "consecutive_failures");
    CHECK(reads.at("threshold").as_double() == 3.0);
}

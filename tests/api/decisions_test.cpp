#include "tests/api/support/fake_host.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;
using namespace rollbackd::api::testing;
using namespace std::chrono_literals;

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

std::string plan_body(Desk& desk) {
    auto const incident = desk.get("/v1/incidents/INC-1").json();
    return R"({"plan":")" + text_of(incident.at("runs").at(0), "plan") + R"("})";
}

}  // namespace

TEST_CASE("approving the waiting plan asks the world afresh and answers the run, twice the same") {
    Desk desk(advising());
    breach(desk);
    auto const body = plan_body(desk);
    auto const first = desk.post("/v1/incidents/INC-1/approve", body, "approve");
    CHECK(first.status == 200);
    CHECK(text_of(first.json(), "id") == "RUN-1");
    CHECK(desk.host.questions.size() == 1);
    auto const second = desk.post("/v1/incidents/INC-1/approve", body, "approve");
    CHECK(second.status == 200);
    CHECK(text_of(second.json(), "id") == "RUN-1");
    CHECK(desk.host.questions.size() == 1);
}

TEST_CASE("another plan is 409, none is 422, an operator is 403") {
    Desk desk(advising());
    breach(desk);
    auto const path = std::string("/v1/incidents/INC-1/approve");
    CHECK(
        desk.post(path, R"({"plan":")" + std::string(64, '0') + R"("})", "approve").status == 409
    );
    CHECK(desk.post(path, "{}", "approve").status == 422);
    CHECK(desk.post(path, plan_body(desk), "operate").status == 403);
    CHECK(desk.post("/v1/incidents/INC-1/reject", plan_body(desk), "read").status == 403);
}

namespace {

/// A run whose second step waits for an approval.
void breach_with_a_step_that_waits(Desk& desk) {
    breach(desk);
    desk.host.world.end_step();
}

Policy step_asks() {
    auto policy = policy_with_tokens();
    policy.services[0].playbooks[0].steps[1].approval = true;
    return policy;
}

}  // namespace

TEST_CASE("a step's approval asks the world afresh about what is left of the plan") {
    Desk desk(step_asks());
    breach_with_a_step_that_waits(desk);
    auto const approved = desk.post("/v1/incidents/INC-1/approve", plan_body(desk), "approve");
    CHECK(approved.status == 200);
    CHECK(text_of(approved.json(), "state") == "running");
    REQUIRE(desk.host.questions.size() == 1);
    REQUIRE(desk.host.questions[0].plans.size() == 1);
    CHECK(desk.host.questions[0].plans[0].steps.size() == 1);
}

TEST_CASE("a step's approval that is rejected ends the run, and cannot be given any more") {
    Desk desk(step_asks());
    breach_with_a_step_that_waits(desk);
    auto const body = plan_body(desk);
    auto const rejected = desk.post("/v1/incidents/INC-1/reject", body, "approve");
    CHECK(rejected.status == 200);
    auto const run = rejected.json().at("runs").at(0);
    CHECK(text_of(run, "state") == "aborted");
    CHECK(text_of(run, "why").starts_with("rejected by "));
    CHECK(text_of(rejected.json(), "state") == "frozen");
    CHECK(desk.post("/v1/incidents/INC-1/approve", body, "approve").status == 409);
    CHECK(desk.post("/v1/incidents/INC-1/reject", body, "approve").status == 409);
    CHECK(
        desk.get("/v1/incidents/INC-1/timeline").body.find("asked for by rejected") ==
        std::string::npos
    );
}

TEST_CASE("a rejected plan is open and escalated, and cannot be approved any more") {
    Desk desk(advising());
    breach(desk);
    auto const body = plan_body(desk);
    auto const rejected = desk.post("/v1/incidents/INC-1/reject", body, "approve");
    CHECK(rejected.status == 200);
    CHECK(text_of(rejected.json(), "state") == "open");
    CHECK(rejected.json().at("escalated") == true);
    CHECK(desk.post("/v1/incidents/INC-1/approve", body, "approve").status == 409);
}

TEST_CASE("ack names who looks at it, resolve who declared it over") {
    auto policy = policy_with_tokens();
    policy.daemon.autonomy = Autonomy::observe;
    Desk desk(policy);
    breach(desk);
    CHECK(text_of(desk.post("/v1/incidents/INC-1/ack").json(), "acked_by") == "test-admin");
    auto const over = desk.post("/v1/incidents/INC-1/resolve", R"({"reason":"done"})", "operate");
    CHECK(over.status == 200);
    CHECK(text_of(over.json(), "state") == "resolved");
    CHECK(text_of(over.json(), "resolved_by") == "test-operate");
}

TEST_CASE("a verdict must be one that exists") {
    Desk desk;
    breach(desk);
    auto const path = std::string("/v1/incidents/INC-1/verdict");
    CHECK(desk.post(path, "{}").status == 422);
    CHECK(desk.post(path, R"({"verdict":"good"})").status == 422);
    CHECK(
        text_of(desk.post(path, R"({"verdict":"false-positive"})").json(), "verdict") ==
        "false-positive"
    );
}

TEST_CASE("an interrupted step is settled by a person who must say how it ended") {
    Desk desk;
    breach(desk);
    REQUIRE(desk.host.world.end_step(OutcomeKind::unknown));
    auto const settle = desk.host.world.take<SettleStep>();
    REQUIRE(settle);
    desk.host.world.send(StepSettled{settle->run, settle->n, {}});  // nobody knows
    auto const path = std::string("/v1/incidents/INC-1/steps/1/confirm");
    CHECK(desk.post(path, R"({"outcome":"maybe"})").status == 422);
    CHECK(desk.post("/v1/incidents/INC-1/steps/x/confirm").status == 404);
    auto const bare = desk.post(path, "{}");
    CHECK(bare.status == 422);
    auto const settled = desk.post(path, R"({"outcome":"not_done"})", "operate");
    CHECK(settled.status == 200);
}

TEST_CASE("a duty that does not apply needs a reason") {
    Desk desk;
    breach(desk);
    auto const path = std::string("/v1/incidents/INC-1/duties/1/confirm");
    CHECK(desk.post(path, R"({"outcome":"does_not_apply"})").status == 422);
    auto const unknown = desk.post(path, R"({"outcome":"done"})").status;
    CHECK((unknown == 404 || unknown == 409));
}

TEST_CASE("a raised symptom opens an incident that carries the person's words") {
    Desk desk;
    CHECK(desk.post("/v1/services/shop/triggers/down/raise").status == 422);
    auto const raised = desk.post(
        "/v1/services/shop/triggers/down/raise", R"({"reason":"customers call"})", "operate"
    );
    CHECK(raised.status == 200);
    CHECK(text_of(raised.json(), "id") == "INC-1");
    CHECK(raised.body.find("customers call") != std::string::npos);
}

// The four sentences: what is broken, what was done, what comes next, what a person must do.
#include "engine/head.hpp"

#include "tests/catch.hpp"
#include "tests/engine/support/world.hpp"

#include <algorithm>

using namespace rollbackd;
using namespace rollbackd::testing;

namespace {

Incident incident_in(IncidentState state) {
    Incident incident;
    incident.id = "INC-1";
    incident.service = "shop";
    incident.state = state;
    return incident;
}

Run run_in(RunState state, std::string why = "") {
    Run run;
    run.id = "RUN-1";
    run.state = state;
    run.why = std::move(why);
    run.plan.playbook = "code-rollback";
    run.plan.target = "v1";
    run.started_at = Moment{};
    return run;
}

StepRun step_in(StepState state, std::string type, std::string text = "") {
    StepRun step;
    step.n = 2;
    step.name = "drain";
    step.type = std::move(type);
    step.state = state;
    step.text = std::move(text);
    return step;
}

bool has(std::string const& text, std::string const& part) {
    INFO(text << " | " << part);
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("each state has its command") {
    CHECK(head_of(incident_in(IncidentState::frozen)).command == "rollbackctl resume shop");
    CHECK(head_of(incident_in(IncidentState::unverified)).command == "rollbackctl resolve INC-1");
    CHECK(head_of(incident_in(IncidentState::resolved)).command == "rollbackctl report INC-1");
    CHECK(head_of(incident_in(IncidentState::resolved)).must.starts_with("nothing"));
    CHECK(head_of(incident_in(IncidentState::acting)).must.starts_with("nothing yet"));
    auto open = incident_in(IncidentState::open);
    CHECK(head_of(open).command == "rollbackctl explain INC-1");
    open.refusals.emplace_back().guard = Guard::no_target;
    CHECK(head_of(open).command == "rollbackctl deploy shop VERSION --known-good");
    open.refusals.emplace_back().guard = Guard::paused;
    CHECK(head_of(open).command == "rollbackctl resume shop");
}

TEST_CASE("a plan that waits is approved or rejected") {
    auto incident = incident_in(IncidentState::waiting);
    incident.runs.push_back(run_in(RunState::waiting, "waiting for approval (f, autonomy)"));
    incident.standing_text = "waiting for approval (f, autonomy)";
    auto const head = head_of(incident);
    CHECK(head.did == "prepared code-rollback (RUN-1) to v1: waiting for approval (f, autonomy)");
    CHECK(has(head.next, "approve or reject the plan"));
    CHECK(head.command == "rollbackctl approve INC-1");
    CHECK(has(head.must, "rollbackctl reject INC-1"));
}

TEST_CASE("a manual step is done and confirmed, not approved") {
    auto incident = incident_in(IncidentState::waiting);
    incident.runs.push_back(run_in(RunState::running));
    incident.runs[0].steps.push_back(step_in(StepState::waiting, "manual", "drain the queue"));
    incident.standing_text = "step 2 waits for a person: drain the queue";
    auto const head = head_of(incident);
    CHECK(has(head.did, "is running code-rollback (RUN-1) to v1; step 2 waits for a person"));
    CHECK(has(head.next, "until a person has done step 2"));
    CHECK(!has(head.next, "approve"));
    CHECK(head.command == "rollbackctl confirm INC-1 2");
    CHECK(has(head.must, "drain the queue"));
}

TEST_CASE("a step that asks for approval is approved, not confirmed") {
    auto incident = incident_in(IncidentState::waiting);
    incident.runs.push_back(run_in(RunState::running));
    incident.runs[0].steps.push_back(step_in(StepState::waiting, "exec", "waits for approval"));
    auto const head = head_of(incident);
    CHECK(has(head.next, "approve step 2 (drain)"));
    CHECK(head.command == "rollbackctl approve INC-1");
}

TEST_CASE("an interrupted step is settled before anything else") {
    auto incident = incident_in(IncidentState::frozen);
    incident.runs.push_back(run_in(RunState::interrupted, "the connection was lost"));
    incident.runs[0].steps.push_back(step_in(StepState::unknown, "exec"));
    auto const head = head_of(incident);
    CHECK(has(head.did, "interrupted: the connection was lost"));
    CHECK(head.command == "rollbackctl confirm INC-1 2");
    CHECK(has(head.must, "--not-done"));
}

TEST_CASE("a check by hand is numbered on after the steps") {
    auto incident = incident_in(IncidentState::verifying);
    incident.runs.push_back(run_in(RunState::verifying));
    incident.runs[0].steps.push_back(step_in(StepState::done, "exec"));
    incident.runs[0].plan.verify.push_back(Check{CheckKind::manual, "", {}, {}, "it sells", ""});
    incident.runs[0].verify.push_back(CheckRun{1, false, false, {}, ""});
    auto const head = head_of(incident);
    CHECK(head.command == "rollbackctl confirm INC-1 2");
    CHECK(has(head.must, "it sells"));
}

TEST_CASE("a duty that is owed remains when the incident is over") {
    auto incident = incident_in(IncidentState::resolved);
    auto& owed = incident.duties.emplace_back();
    owed.n = 3;
    owed.duty.name = "tell-users";
    auto const head = head_of(incident);
    CHECK(head.command == "rollbackctl confirm INC-1 duty:3");
    CHECK(has(head.next, "duties remain"));
}

TEST_CASE("every run is told, and why it ended, each reason once") {
    auto incident = incident_in(IncidentState::frozen);
    incident.runs.push_back(run_in(RunState::failed, "exit 1"));
    incident.standing_text = "every rung was tried; code-rollback failed: exit 1";
    CHECK(head_of(incident).did == "ran code-rollback (RUN-1) to v1, which failed: exit 1");
    incident.standing_text = "every rung was tried";
    CHECK(has(head_of(incident).did, "exit 1; every rung was tried"));
    incident.state = IncidentState::resolved;
    incident.resolved_by = "eve";
    incident.standing_text = "resolved by eve";
    CHECK(has(head_of(incident).did, "; resolved by eve"));
}

TEST_CASE("what was not done says why with guard and letter, also when it is over") {
    auto incident = incident_in(IncidentState::resolved);
    auto& refusal = incident.refusals.emplace_back();
    refusal.guard = Guard::dependency_failing;
    refusal.letter = "c";
    refusal.text = "database is failing";
    incident.standing_text = "the service recovered by itself";
    CHECK(
        head_of(incident).did ==
        "did nothing, dependency_failing (c): database is failing; "
        "the service recovered by itself"
    );
}

TEST_CASE("a rollback's messages name the arithmetic, the version and the target") {
    World world;
    world.release_v2();
    world.fail_health(3);
    world.answer();
    auto const text = message_text(*world.incident());
    CHECK(has(text, "P0 shop: down ("));
    CHECK(has(text, "3 >= 3"));
    CHECK(has(text, "since version v2"));
    CHECK(has(text, "\nrollbackd: is running code-rollback (RUN-1) to v1\nNext: "));
    CHECK(has(text, "\nYou: nothing yet"));
}

TEST_CASE("versions that are hashes are shown in short, and no two of them alike") {
    std::string const good = "0123456789abcdef0123456789abcdef01234567";
    std::string const bad = "0123456789abcdee0123456789abcdef01234567";
    World world;
    world.deploy(good, true);
    for (int i = 0; i < 5; ++i) {
        world.pass(5s);
        world.probe(true);
    }
    world.deploy(bad);
    world.pass(25s);
    world.probe(true);
    world.fail_health(3);
    REQUIRE(world.answer());
    auto const& incident = *world.incident();
    CHECK(incident.runs[0].plan.target == good);
    std::string told = message_text(incident);
    for (auto const& entry : incident.timeline) told += "\n" + entry.text;
    CHECK_FALSE(has(told, good));
    CHECK_FALSE(has(told, bad));
    CHECK(has(told, "to 0123456789abcdef"));
    CHECK(has(told, "since version 0123456789abcdee"));
}

TEST_CASE("a judgement names its guards in one line, and what they say is told once") {
    World world;
    world.release_v2();
    world.send(Paused{{"anna", "operate"}, "shop"});
    world.fail_health(3);
    world.answer();
    std::vector<std::string> lines;
    for (auto const& entry : world.incident()->timeline) lines.push_back(entry.text);
    CHECK(std::count(lines.begin(), lines.end(), "judged: held by paused (f)") == 1);
    auto const tells = [](std::string const& line) { return has(line, "is paused by anna"); };
    CHECK(std::count_if(lines.begin(), lines.end(), tells) == 1);
}

TEST_CASE("a sentence is a line, whatever a step or a signal said") {
    auto incident = incident_in(IncidentState::open);
    incident.runs.push_back(run_in(RunState::failed, "exit 3: oops\nYou: run this\x1b[1m"));
    auto const head = head_of(incident);
    CHECK(head.did.find('\n') == std::string::npos);
    CHECK(head.did.find('\x1b') == std::string::npos);
}

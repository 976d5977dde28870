// Every step of a plan is asked before the first of them starts, whoever wants the run.
#include "tests/catch.hpp"
#include "tests/engine/support/world.hpp"

#include <algorithm>

using namespace rollbackd;
using namespace rollbackd::testing;

namespace {

/// `webhooks` is answered by a restart, then by switching payments off: neither undoes anything.
Policy two_remedies(std::vector<std::string> const& rungs = {"restart", "payments-off"}) {
    auto policy = shop_policy();
    auto& shop = policy.services[0];
    auto restart = shop.playbooks[1];
    restart.name = "restart";
    shop.playbooks.push_back(restart);
    Response response{ResponseKind::ladder, {}};
    for (auto const& rung : rungs) response.rungs.push_back({rung, {}});
    shop.triggers[1].response = std::move(response);
    return policy;
}

/// The test says what each step answers.
struct Asked : World {
    explicit Asked(Policy wanted = shop_policy()) : World(std::move(wanted)) { steps_wait = true; }
};

void break_webhooks(World& world) {
    for (int i = 0; i < 4; ++i) {
        world.pass(1s);
        world.push(false);
    }
}

Answer objecting(std::string const& playbook) {
    Answer answer;
    answer.preflight[playbook] = "step flag: no such program: flagctl";
    answer.looks.push_back({playbook, 1, "flag", StepFinding::impossible, "no such program"});
    return answer;
}

std::size_t messages(World const& world, std::string const& words) {
    return std::size_t(std::count_if(
        world.journal.begin(), world.journal.end(),
        [&](Record const& record) {
            return record.kind == "message.queued" && record.body.find(words) != std::string::npos;
        }
    ));
}

}  // namespace

TEST_CASE("before a run starts its steps are asked, and those of later rungs are not") {
    Asked world(two_remedies());
    world.release_v2();
    break_webhooks(world);
    auto const ask = world.take<AskFresh>();
    REQUIRE(ask);
    REQUIRE(ask->plans.size() == 1);
    CHECK(ask->plans[0].playbook == "restart");
    CHECK(world.commands.empty());
    Answer answer;
    answer.asked.insert(ask->plans[0].hash);
    world.send(Answered{ask->incident, ask->ask, answer});
    CHECK(world.take<StartStep>());
}

TEST_CASE("a rung that cannot be carried out leaves the way to the next, and no step of it starts"
) {
    Asked world(two_remedies());
    world.release_v2();
    break_webhooks(world);
    REQUIRE(world.answer(objecting("restart")));
    auto const& incident = *world.incident();
    REQUIRE(incident.runs.size() == 1);
    CHECK(incident.runs[0].plan.playbook == "payments-off");
    CHECK(incident.ladder[0].state == RungState::passed_over);
    CHECK(incident.ladder[0].why.find("step flag: no such program: flagctl") != std::string::npos);
    CHECK(world.has_refusal("d", Guard::no_target));
}

TEST_CASE(
    "what undoes nothing and cannot be carried out does not keep the release from being undone"
) {
    Asked world(two_remedies({"restart", "code-rollback"}));
    world.release_v2();
    break_webhooks(world);
    REQUIRE(world.answer(objecting("restart")));
    REQUIRE(world.incident()->runs.size() == 1);
    CHECK(world.incident()->runs[0].plan.playbook == "code-rollback");
}

TEST_CASE("where no rung is left people are told once why, and nothing was begun") {
    Asked world(two_remedies({"restart"}));
    world.release_v2();
    break_webhooks(world);
    REQUIRE(world.answer(objecting("restart")));
    CHECK(world.incident()->state == IncidentState::open);
    CHECK(world.incident()->runs.empty());
    CHECK(world.commands.empty());
    world.pass(1min);
    CHECK(messages(world, "restart cannot be carried out: step flag") == 1);
    CHECK(messages(world, "mend what its step says, then: rollbackctl run shop restart") == 1);
    break_webhooks(world);
    CHECK(messages(world, "restart cannot be carried out: step flag") == 1);
}

TEST_CASE("what could not be carried out is told, whatever was passed over after it") {
    Asked world(two_remedies({"restart", "code-rollback"}));
    break_webhooks(world);
    REQUIRE(world.answer(objecting("restart")));
    CHECK(world.incident()->runs.empty());
    world.pass(10s);
    CHECK(messages(world, "restart cannot be carried out: step flag") == 1);
}

TEST_CASE("what could not be found out refuses nothing, and is written down") {
    Asked world(two_remedies());
    world.release_v2();
    break_webhooks(world);
    Answer answer;
    answer.looks.push_back({"restart", 1, "flag", StepFinding::unanswered, "no answer in time"});
    REQUIRE(world.answer(answer));
    CHECK(world.take<StartStep>());
    auto const& guards = world.incident()->guards;
    bool const told = std::any_of(guards.begin(), guards.end(), [](GuardResult const& guard) {
        return guard.text.find("1 of 1 steps asked; flag (unanswered)") != std::string::npos;
    });
    CHECK(told);
}

TEST_CASE("a person's run whose step cannot work is refused, with how to go on all the same") {
    Asked world;
    auto const before = world.journal.size();
    world.send(RunAsked{
        {"op", "operate"}, "shop", "payments-off", "by hand", {}, objecting("payments-off")
    });
    REQUIRE(world.reply.error);
    CHECK(world.reply.error->code == Errc::conflict);
    auto const& why = world.reply.error->what;
    CHECK(why.find("step flag: no such program: flagctl") != std::string::npos);
    CHECK(why.find("rollbackctl run shop payments-off --force") != std::string::npos);
    CHECK(world.journal.size() == before);
    CHECK(world.commands.empty());
}

TEST_CASE("a person may go against what a step says, and that is written down") {
    Asked world;
    RunAsked asked{{"op", "operate"}, "shop", "payments-off",
                   "by hand",         {},     objecting("payments-off")};
    asked.force = true;
    world.send(asked);
    REQUIRE_FALSE(world.reply.error);
    CHECK(world.take<StartStep>());
    bool const kept =
        std::any_of(world.journal.begin(), world.journal.end(), [](Record const& record) {
            return record.kind == "incident.judged" &&
                   record.body.find("\"forced\":\"step flag: no such program") != std::string::npos;
        });
    CHECK(kept);
}

TEST_CASE("an approval whose step cannot work by now voids the plan, unless the person insists") {
    auto policy = shop_policy();
    policy.services[0].playbooks[1].approval = true;
    Asked world(std::move(policy));
    world.send(RunAsked{{"op", "operate"}, "shop", "payments-off", "by hand", {}, {}});
    REQUIRE_FALSE(world.reply.error);
    Approved approved{
        {"anna", "approve"},
        "INC-1",
        world.incident()->runs.back().plan.hash,
        objecting("payments-off")
    };
    SECTION("void") {
        world.send(approved);
        REQUIRE(world.reply.error);
        CHECK(world.reply.error->what.find("step flag") != std::string::npos);
        CHECK(world.incident()->runs.back().state == RunState::aborted);
        CHECK(world.commands.empty());
    }
    SECTION("insisted on") {
        approved.force = true;
        world.send(approved);
        REQUIRE_FALSE(world.reply.error);
        CHECK(world.take<StartStep>());
    }
}

TEST_CASE("a daemon that dies while the steps are asked asks them again, and starts each step once"
) {
    Asked world(two_remedies());
    world.release_v2();
    break_webhooks(world);
    auto const lost = world.take<AskFresh>();
    REQUIRE(lost);
    world.engine = world.replayed();
    for (int i = 0; i < 4; ++i) world.push(false);
    world.send(Recovered{});
    Answer late;
    late.asked.insert(lost->plans[0].hash);
    world.send(Answered{lost->incident, lost->ask, late});
    REQUIRE(world.answer());
    CHECK(world.take<StartStep>());
    CHECK(world.commands.empty());
    CHECK(world.incident()->runs.size() == 1);
}

TEST_CASE("a plan that people and the daemon itself carry out asks nobody") {
    auto policy = two_remedies({"restart"});
    Step call;
    call.name = "call";
    call.type = "manual";
    call.params = JsonObject{{"say", "call the provider"}};
    policy.services[0].playbooks[2].steps = {call};
    Asked world(std::move(policy));
    world.release_v2();
    break_webhooks(world);
    CHECK(world.commands.empty());
    CHECK(world.incident()->state == IncidentState::waiting);
}

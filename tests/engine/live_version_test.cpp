// Which version belongs to a backup: it is looked up when the step that restores it has ended, and
// handed to the steps that follow.
#include "engine/live_version.hpp"
#include "engine/planning.hpp"
#include "tests/catch.hpp"
#include "tests/engine/support/world.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;

namespace {

Step step(std::string name, JsonArray argv) {
    Step out;
    out.name = std::move(name);
    out.type = "exec";
    out.params = JsonObject{{"argv", std::move(argv)}};
    out.timeout = 60s;
    return out;
}

/// Everything from a backup: the data, then the version that belongs to it.
Policy restoring() {
    auto policy = shop_policy();
    Playbook restore;
    restore.name = "full-restore";
    restore.undoes = Undoes::data;
    restore.data_loss = DataLoss::certain;
    auto data = step("data", {"restore"});
    data.save = "restored";
    data.destructive = true;
    restore.steps = {data, step("code", {"checkout", "{{ steps.restored.version }}"})};
    restore.steps.push_back(step("tell", {"say", "as of {{ steps.restored.as_of }}"}));
    policy.services[0].playbooks.push_back(std::move(restore));
    return policy;
}

BackupTime at(Now now) { return {now.wall, now.wall}; }

struct Restoring : World {
    Restoring() : World(restoring()) {}

    /// Asked for and approved by hand: its first step has begun.
    void begin(Answer answer = {}) {
        send(RunAsked{{"anna", "operate"}, "shop", "full-restore", "corrupt", {}, answer});
        REQUIRE_FALSE(reply.error);
        approve(answer);
        REQUIRE_FALSE(reply.error);
    }
    void approve(Answer answer = {}) {
        auto const plan = incident()->runs.front().plan.hash;
        send(Approved{{"anna", "approve"}, "INC-1", plan, std::move(answer)});
    }
    std::optional<StartStep> restored(std::optional<BackupTime> as_of) {
        auto const started = take<StartStep>();
        REQUIRE(started);
        StepEnded ended{started->run, started->n, started->attempt, {}};
        ended.outcome.kind = OutcomeKind::done;
        ended.outcome.saved = "shop_before";
        ended.outcome.as_of = as_of;
        send(ended);
        return take<StartStep>();
    }
    Run const& run() const { return incident()->runs.front(); }
};

std::string argument(StartStep const& started) {
    return std::string(started.step.params.at("argv").as_array().back().as_string());
}

}  // namespace

TEST_CASE("a later step is handed the version that was in effect at the time of the backup") {
    Restoring world;
    world.deploy("v1", true);
    world.pass(1h);
    auto const then = world.now;
    world.pass(1h);
    world.deploy("v2");
    world.pass(1h);
    world.deploy("v3");
    world.pass(1h);
    world.begin();
    CHECK_FALSE(world.run().plan.target);
    CHECK(world.run().plan.blamed == "v3");
    auto const code = world.restored(at(then));
    REQUIRE(code);
    CHECK(argument(*code) == "v1");
    CHECK(world.run().plan.target == "v1");
    CHECK(world.run().steps[0].version == "v1");
    CHECK(to_text(to_json(world.replayed().state())) == to_text(to_json(world.engine.state())));
    world.send(StepEnded{code->run, code->n, code->attempt, {OutcomeKind::done, {}, "", {}, {}}});
    auto const tell = world.take<StartStep>();
    REQUIRE(tell);
    CHECK(argument(*tell) == "as of " + format_rfc3339(then.wall));
    world.send(StepEnded{tell->run, tell->n, tell->attempt, {OutcomeKind::done, {}, "", {}, {}}});
    CHECK(world.engine.state().service("shop").current == "v1");
}

TEST_CASE("after a crash in the middle the later step is handed the same version") {
    Restoring world;
    world.deploy("v1", true);
    world.pass(1h);
    auto const then = world.now;
    world.pass(1h);
    world.deploy("v2");
    world.pass(1h);
    world.begin();
    REQUIRE(world.restored(at(then)));
    auto other = world.replayed();
    auto const decision = other.decide(Recovered{}, world.now);
    auto const& again = std::get<AdoptStep>(decision.commands.front());
    CHECK(to_text(again.step.params).find("\"v1\"") != std::string::npos);
}

TEST_CASE("what a rollback put into effect counts as what was in effect") {
    Restoring world;
    world.release_v2();
    world.fail_health(3);
    world.answer();
    while (world.end_step()) {
    }
    REQUIRE(world.engine.state().service("shop").current == "v1");
    auto const then = world.now;
    world.pass(1h);
    world.deploy("v3");
    auto const found = version_at(world.engine.state().service("shop"), at(then));
    REQUIRE(found);
    CHECK(*found == "v1");
}

TEST_CASE("a backup from before anything was recorded belongs to no known version") {
    Restoring world;
    auto const before = world.now;
    world.pass(1h);
    world.deploy("v1");
    world.pass(1h);
    world.begin();
    CHECK_FALSE(world.restored(at(before)));
    auto const& code = world.run().steps[1];
    CHECK(code.state == StepState::failed);
    CHECK(code.text.find("is not known: the oldest that is recorded is v1") != std::string::npos);
    CHECK_FALSE(world.take<StartStep>());
}

TEST_CASE("the oldest one, called known-good by a person, was in effect before it was recorded too"
) {
    Restoring world;
    auto const before = world.now;
    world.pass(1h);
    world.deploy("v1", true);
    world.pass(1h);
    world.deploy("v2");
    world.begin();
    auto const code = world.restored(at(before));
    REQUIRE(code);
    CHECK(argument(*code) == "v1");
}

TEST_CASE("a backup that says only its day, on which another version came, belongs to none") {
    Restoring world;
    world.deploy("v1", true);
    world.pass(1h);
    auto const from = world.now;
    world.pass(1h);
    world.deploy("v2");
    world.pass(1h);
    auto const known =
        version_at(world.engine.state().service("shop"), {from.wall, world.now.wall});
    REQUIRE_FALSE(known);
    CHECK(known.error().what.find("v2 took the place of v1 meanwhile") != std::string::npos);
}

TEST_CASE("nobody goes back to a version that is quarantined, whatever the backup belongs to") {
    Restoring world;
    world.deploy("v1", true);
    world.pass(1h);
    world.deploy("v2");
    world.pass(1h);
    world.begin();
    CHECK_FALSE(world.restored(at(world.now)));
    auto const& code = world.run().steps[1];
    CHECK(code.state == StepState::failed);
    CHECK(code.text.find("v2, in effect at the time of the backup") != std::string::npos);
    CHECK(code.text.find("is quarantined") != std::string::npos);
}

TEST_CASE("a step that has not said of what moment its backup is hands on no version") {
    Restoring world;
    world.deploy("v1", true);
    world.pass(1h);
    world.deploy("v2");
    world.begin();
    CHECK_FALSE(world.restored(std::nullopt));
    auto const& code = world.run().steps[1];
    CHECK(code.state == StepState::failed);
    CHECK(
        code.text.find("step data has not said of what moment the backup is") != std::string::npos
    );
}

namespace {

Answer looked(World const& world, Now then) {
    auto const plan = world.engine.plan("shop", "full-restore", {}, world.now);
    Answer answer;
    answer.asked.insert(plan->hash);
    answer.looks = {
        {"full-restore", 1, "data", StepFinding::ready, "", at(then)},
        {"full-restore", 2, "code", StepFinding::unasked, "it depends on what is saved"},
        {"full-restore", 3, "tell", StepFinding::unasked, "it depends on what is saved"},
    };
    return answer;
}

}  // namespace

TEST_CASE("before it is approved the loss is counted from the backup that would be restored") {
    Restoring world;
    world.deploy("v1", true);
    world.pass(1h);
    auto const then = world.now;
    world.pass(3h);
    world.deploy("v2");
    auto const answer = looked(world, then);
    world.send(RunAsked{{"anna", "operate"}, "shop", "full-restore", "corrupt", {}, answer});
    CHECK(
        lost_by(world.run()) == "everything written since the backup of " +
                                    format_moment(then.wall) + " (3 h 0 min when it was planned)"
    );
    world.approve(answer);
    REQUIRE_FALSE(world.reply.error);
    // It cannot be read after all: the next older one is restored, and that is what is told then.
    auto older = then;
    older.wall -= 1min;
    REQUIRE(world.restored(at(older)));
    CHECK(lost_by(world.run()).find(format_moment(older.wall)) != std::string::npos);
}

TEST_CASE("an approval of a newer backup is none of an older one") {
    Restoring world;
    world.deploy("v1", true);
    world.pass(1h);
    auto const older = world.now;
    world.pass(1h);
    auto const then = world.now;
    world.deploy("v2");
    auto const answer = looked(world, then);
    world.send(RunAsked{{"anna", "operate"}, "shop", "full-restore", "corrupt", {}, answer});
    world.approve(looked(world, older));
    REQUIRE(world.reply.error);
    CHECK(world.reply.error->what.find("more is lost than was shown") != std::string::npos);
    CHECK(world.run().state == RunState::aborted);
}

TEST_CASE("asked before, a step says which version it would be handed, or that there is none") {
    Restoring world;
    auto const before = world.now;
    world.pass(1h);
    world.deploy("v1");
    world.pass(1h);
    auto const then = world.now;
    world.pass(1h);
    world.deploy("v2");
    auto const plan = world.engine.plan("shop", "full-restore", {}, world.now);
    auto const& service = world.engine.state().service("shop");
    auto good = looked(world, then).looks;
    tell_versions(service, *plan, good);
    CHECK(good[1].text == "v1, in effect at the time of the backup");
    CHECK(good[1].found == StepFinding::unasked);
    CHECK(good[2].text == "it depends on what is saved");
    auto bad = looked(world, before).looks;
    tell_versions(service, *plan, bad);
    CHECK(bad[1].found == StepFinding::impossible);
    auto newest = looked(world, world.now).looks;
    tell_versions(service, *plan, newest);
    CHECK(newest[1].text.find("is the one that is taken back") != std::string::npos);
}

TEST_CASE("a journal from before steps said of what moment a backup is can still be read") {
    RecordDraft const old{
        "step.ended",
        JsonObject{{"run", "RUN-1"}, {"n", 1}, {"attempt", 1}, {"state", "done"}, {"text", ""}}
    };
    Record record;
    record.kind = old.kind;
    record.body = to_text(old.body);
    auto const body = read_body(record);
    REQUIRE(body);
    CHECK_FALSE(std::get<StepEndedRecord>(*body).as_of);
    CHECK(std::get<StepEndedRecord>(*body).version.empty());
}

TEST_CASE("a checkpoint that knows nothing of what was in effect before is left aside") {
    World world;
    world.release_v2();
    auto saved = world.engine.save_state();
    saved.as_object()["format"] = 1;
    Engine other(world.policy, world.now, Rehearsal::boot);
    CHECK_FALSE(other.load_state(saved));
}

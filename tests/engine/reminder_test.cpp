// What people should follow up after a recovery: they are reminded at its pace, until its time is
// over, a person has resolved the incident, or it freezes.
#include "tests/catch.hpp"
#include "tests/engine/support/world.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;

namespace {

Policy reminding_policy(Duration every = 15min, Duration lasts = 4h) {
    auto policy = shop_policy();
    auto& playbook = policy.services[0].playbooks[0];
    playbook.follow_up = {"look at the graphs", "watch the error rate of {{ service }}"};
    playbook.reminders = {{2, every, lasts}};
    return policy;
}

void recover(World& world) {
    world.release_v2();
    world.fail_health(3);
    world.answer();
    world.end_step();
    world.end_step();
    for (int i = 0; i < 3; ++i) {
        world.pass(1s);
        world.probe(true);
    }
    REQUIRE(world.incident()->recovered_at);
}

std::vector<Message> told(World const& world) {
    std::vector<Message> out;
    for (auto const& record : world.journal) {
        if (record.kind != "message.queued") continue;
        auto const queued = read_json<MessageQueued>(*parse_json(record.body));
        if (queued->message.event == "follow_up.due") out.push_back(queued->message);
    }
    return out;
}

ReminderRun const& reminder(World const& world) { return world.incident()->reminders.at(0); }

/// The daemon is down for so long, and reads its journal again.
void sleep_through(World& world, Duration time) {
    world.now.boot += time;
    world.now.wall += std::chrono::duration_cast<WallTime::duration>(time);
    world.engine = world.replayed();
    world.send(Recovered{});
}

bool has(std::string const& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("people are reminded at the follow-up's pace, though data has resolved the incident") {
    World world(reminding_policy());
    recover(world);
    REQUIRE(world.incident()->state == IncidentState::resolved);
    auto const recovered = world.incident()->recovered_at->boot;
    CHECK(world.engine.next_deadline() <= recovered + 15min);
    world.pass(recovered + 15min - world.now.boot - 1ms);
    CHECK(told(world).empty());
    world.pass(1ms);
    REQUIRE(told(world).size() == 1);
    auto const first = told(world).front();
    CHECK(first.incident == "INC-1");
    CHECK(has(first.text, "shop: follow up INC-1, recovered at "));
    CHECK(has(first.text, "watch the error rate of shop"));
    CHECK(has(first.text, "who has seen enough: rollbackctl resolve INC-1"));
    CHECK(first.command == "rollbackctl show INC-1");
    world.pass(45min);
    CHECK(told(world).size() == 4);
    CHECK(reminder(world).told == 4);
    CHECK(world.replayed().state().incident("INC-1")->reminders == world.incident()->reminders);
}

TEST_CASE("the last reminder falls on the end of its time, and says so") {
    World world(reminding_policy(15min, 1h));
    recover(world);
    world.pass(10h);
    REQUIRE(told(world).size() == 4);
    CHECK(has(told(world).back().text, "this was the last one"));
    CHECK_FALSE(reminder(world).next_at);
    CHECK(reminder(world).why == "its time is over");
}

TEST_CASE("what was missed while nothing ran is told once, and the pace is kept") {
    World world(reminding_policy());
    recover(world);
    world.pass(16min);
    REQUIRE(told(world).size() == 1);
    sleep_through(world, 50min);  // those after 30, 45 and 60 minutes
    REQUIRE(told(world).size() == 2);
    CHECK(has(told(world).back().text, "2 more were due meanwhile"));
    CHECK(reminder(world).next_at->boot == world.incident()->recovered_at->boot + 75min);
    sleep_through(world, 1s);
    CHECK(told(world).size() == 2);
}

TEST_CASE("what was missed is told though its time is over meanwhile, and then nothing more") {
    World world(reminding_policy(15min, 1h));
    recover(world);
    sleep_through(world, 30h);
    REQUIRE(told(world).size() == 1);
    CHECK(has(told(world).back().text, "3 more were due meanwhile"));
    CHECK(has(told(world).back().text, "this was the last one"));
    world.pass(10h);
    CHECK(told(world).size() == 1);
}

TEST_CASE("a silence holds reminders back, and its end tells one of them") {
    World world(reminding_policy());
    recover(world);
    world.send(SilenceAdded{{"anna", "operate"}, "shop", 40min, "work"});
    world.pass(35min);
    CHECK(told(world).empty());
    bool const by_hand = GENERATE(false, true);
    if (by_hand) {
        world.send(SilenceRemoved{{"anna", "operate"}, world.engine.state().silences.front().id});
    } else {
        world.pass(6min);
    }
    REQUIRE(told(world).size() == 1);
    CHECK(has(told(world).back().text, "1 more was due meanwhile"));
}

TEST_CASE("a pause holds no reminder back, as it holds no other message") {
    World world(reminding_policy());
    recover(world);
    world.send(Paused{{"anna", "operate"}, "shop"});
    world.pass(16min);
    CHECK(told(world).size() == 1);
}

TEST_CASE("a person ends the reminders of an incident that data has resolved") {
    World world(reminding_policy());
    recover(world);
    world.pass(16min);
    world.send(ResolvedBy{{"anna", "operate"}, "INC-1", "all quiet"});
    CHECK_FALSE(world.reply.error);
    CHECK_FALSE(reminder(world).next_at);
    CHECK(reminder(world).why == "ended by anna");
    world.pass(10h);
    CHECK(told(world).size() == 1);
    auto const records = world.journal.size();
    world.send(ResolvedBy{{"anna", "operate"}, "INC-1", "again"});
    CHECK(world.journal.size() == records);
}

TEST_CASE("a person who resolves the incident ends its reminders") {
    auto policy = reminding_policy();
    policy.services[0].playbooks[0].success = {{CheckKind::manual, {}, 72h, {}, "is it well?", {}}};
    World world(std::move(policy));
    recover(world);
    REQUIRE(world.incident()->state == IncidentState::verifying);
    world.pass(16min);
    REQUIRE(told(world).size() == 1);
    world.send(ResolvedBy{{"anna", "operate"}, "INC-1", ""});
    CHECK(reminder(world).why == "resolved by anna");
    world.pass(10h);
    CHECK(told(world).size() == 1);
}

TEST_CASE("an incident that freezes reminds nobody: people are called") {
    auto policy = reminding_policy();
    policy.services[0].playbooks[0].success = {{CheckKind::manual, {}, 72h, {}, "is it well?", {}}};
    World world(std::move(policy));
    recover(world);
    world.append(StateChanged{"INC-1", IncidentState::frozen, "test", {}});
    world.pass(10h);
    CHECK(told(world).empty());
    CHECK(reminder(world).why == "the incident froze");
}

TEST_CASE("a channel that takes nothing for hours gets the newest reminder, not all of them") {
    World world(reminding_policy());
    recover(world);
    world.pass(3h);
    CHECK(told(world).size() == 12);
    std::size_t queued = 0;
    for (auto const& [id, message] : world.engine.state().outbox) {
        if (message->event == "follow_up.due") ++queued;
    }
    CHECK(queued == world.engine.policy().channels.size());
}

TEST_CASE("a text alone reminds nobody") {
    auto policy = reminding_policy();
    policy.services[0].playbooks[0].reminders.clear();
    World world(std::move(policy));
    recover(world);
    world.pass(30h);
    CHECK(told(world).empty());
    CHECK(world.incident()->follow_up.size() == 2);
}

TEST_CASE("what fell due while the disk hung with a reminder is looked at when that is written") {
    World world(reminding_policy());
    recover(world);
    auto const due = later(*world.incident()->recovered_at, 15min);
    auto const written = later(due, 40min);
    (void)world.engine.elapse({written.boot, written.wall});
    world.now = {due.boot, due.wall};
    world.append(ReminderTold{world.incident()->id, 2, 0});
    CHECK(world.engine.next_deadline() == due.boot + 15min);
    world.now = {written.boot, written.wall};
    world.pass(1ms);
    REQUIRE(told(world).size() == 1);
    CHECK(has(told(world).front().text, "Nobody could be reminded before: 1 more was due"));
}

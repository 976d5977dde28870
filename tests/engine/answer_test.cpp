// Nobody answers, or nobody can be told.
#include "tests/catch.hpp"
#include "tests/engine/support/world.hpp"

#include <algorithm>

using namespace rollbackd;
using namespace rollbackd::testing;

namespace {

Policy with_boss() {
    auto policy = shop_policy();
    policy.channels.push_back({"boss", "exec", {}, ""});
    for (auto& trigger : policy.services[0].triggers) trigger.notify = {"ops"};
    return policy;
}

std::vector<Message> queued(World const& world, std::string const& channel) {
    std::vector<Message> out;
    for (auto const& [id, message] : world.engine.state().outbox) {
        if (message->channel == channel) out.push_back(*message);
    }
    return out;
}

std::size_t told_again(World const& world) {
    auto const kinds = world.kinds();
    return std::size_t(std::count(kinds.begin(), kinds.end(), "incident.unanswered"));
}

/// A breach that is refused: only people can help.
void break_down(World& world) {
    world.probe(true);
    world.pass(1s);
    world.fail_health(3);
    world.answer();
    REQUIRE(world.incident() != nullptr);
    REQUIRE(world.incident()->severity == Severity::P0);
}

}  // namespace

TEST_CASE("an incident that nobody answers is told to everybody again, ever more rarely") {
    World world(with_boss());
    break_down(world);
    world.pass(4min);
    CHECK(told_again(world) == 0);
    CHECK(queued(world, "boss").empty());
    world.pass(1min);
    REQUIRE(told_again(world) == 1);
    auto const mail = queued(world, "boss");
    REQUIRE(mail.size() == 1);
    CHECK(mail[0].event == "incident.unanswered");
    CHECK(mail[0].text.starts_with("UNANSWERED P0 shop: down"));
    CHECK(mail[0].text.find("rollbackctl ack INC-1") != std::string::npos);
    world.pass(9min);
    CHECK(told_again(world) == 1);
    world.pass(1min);
    CHECK(told_again(world) == 2);
    world.pass(3h);  // 20, 40, 60 and 60 minutes
    CHECK(told_again(world) == 6);
}

TEST_CASE("a reload that gives less time to answer is heeded at once, not with what is due next") {
    auto policy = with_boss();
    policy.daemon.respond_within[Severity::P0] = 1h;
    World world(policy);
    break_down(world);
    world.pass(20min);
    REQUIRE(told_again(world) == 0);
    policy.daemon.respond_within[Severity::P0] = 5min;
    world.policy = std::make_shared<Policy>(policy);
    world.engine.set_policy(world.policy, world.now);
    CHECK(world.engine.next_deadline() <= world.now.boot);
    world.pass(0s);
    CHECK(told_again(world) == 1);
    CHECK(world.engine.next_deadline() > world.now.boot);
}

TEST_CASE("whoever takes an incident or decides about it has answered") {
    World world(with_boss());
    SECTION("acknowledged") {
        break_down(world);
        world.send(Acked{{"alice", "operate"}, "INC-1"});
    }
    SECTION("a run by hand") {
        break_down(world);
        world.send(RunAsked{{"alice", "operate"}, "shop", "payments-off", "I look at it", {}, {}});
        REQUIRE(world.incident()->runs.size() == 1);
    }
    SECTION("resolved") {
        break_down(world);
        world.send(ResolvedBy{{"alice", "operate"}, "INC-1", "a test of ours"});
    }
    world.pass(30min);
    CHECK(told_again(world) == 0);
}

TEST_CASE("only severities with a time to answer in are told again") {
    auto policy = with_boss();
    SECTION("P0 is not named") { policy.daemon.respond_within = {{Severity::P1, 5min}}; }
    SECTION("none is") { policy.daemon.respond_within.clear(); }
    World world(std::move(policy));
    break_down(world);
    world.pass(30min);
    CHECK(told_again(world) == 0);
}

TEST_CASE("a silence holds the second telling until it ends") {
    World world(with_boss());
    break_down(world);
    world.send(SilenceAdded{{"alice", "operate"}, "shop", 20min, "works on the line"});
    world.pass(19min);
    CHECK(told_again(world) == 0);
    world.pass(1min);
    CHECK(told_again(world) == 1);
}

TEST_CASE("a restart neither forgets that nobody answers nor tells it twice") {
    World world(with_boss());
    break_down(world);
    world.pass(5min);
    REQUIRE(told_again(world) == 1);
    auto const again = world.replayed();
    CHECK(again.state().incident("INC-1")->unanswered == 1);
    CHECK(again.save_state() == world.engine.save_state());
}

TEST_CASE("while a channel fails its fallback is told, once, with the reason") {
    auto policy = with_boss();
    policy.channels[0].fallback = "boss";
    World world(std::move(policy));
    break_down(world);
    auto const first = queued(world, "ops");
    REQUIRE(!first.empty());
    world.send(ChannelFailed{first[0].id, "ops: connection refused"});
    auto const mail = queued(world, "boss");
    REQUIRE(mail.size() == 1);
    CHECK(mail[0].event == first[0].event);
    CHECK(mail[0].incident == "INC-1");
    CHECK(
        mail[0].text ==
        first[0].text + "\n(told here because its channel fails: ops: connection refused)"
    );
    world.send(ChannelFailed{first[0].id, "ops: connection refused"});
    CHECK(queued(world, "boss").size() == 1);
    CHECK(queued(world, "ops").size() == first.size());
    CHECK(world.replayed().save_state() == world.engine.save_state());
}

TEST_CASE("a fallback that is told anyway is not told twice") {
    auto policy = with_boss();
    policy.channels[0].fallback = "boss";
    for (auto& trigger : policy.services[0].triggers) trigger.notify = {};
    World world(std::move(policy));
    break_down(world);
    auto const before = queued(world, "boss").size();
    REQUIRE(before > 0);
    world.send(ChannelFailed{queued(world, "ops")[0].id, "ops: connection refused"});
    CHECK(queued(world, "boss").size() == before);
}

TEST_CASE("a fallback that fails has a fallback of its own") {
    auto policy = with_boss();
    policy.channels[0].fallback = "boss";
    policy.channels[1].fallback = "owner";
    policy.channels.push_back({"owner", "exec", {}, ""});
    World world(std::move(policy));
    break_down(world);
    world.send(ChannelFailed{queued(world, "ops")[0].id, "ops: connection refused"});
    world.send(ChannelFailed{queued(world, "boss")[0].id, "boss: no such program"});
    auto const mail = queued(world, "owner");
    REQUIRE(mail.size() == 1);
    CHECK(mail[0].text.find("ops: connection refused") != std::string::npos);
    CHECK(mail[0].text.find("boss: no such program") != std::string::npos);
}

TEST_CASE("who joins and makes an incident worse is told at once, whatever state it is in") {
    auto policy = with_boss();
    policy.services[0].triggers[0].severity = Severity::P0;  // down
    policy.services[0].triggers[1].severity = Severity::P2;  // webhooks
    World world(std::move(policy));
    world.push(true);
    for (int i = 0; i < 4; ++i) {
        world.pass(1s);
        world.push(false);
    }
    world.answer();
    REQUIRE(world.incident()->severity == Severity::P2);
    world.pass(10s);
    auto const before = queued(world, "ops").size();
    world.fail_health(3);
    REQUIRE(world.incident()->severity == Severity::P0);
    auto const mail = queued(world, "ops");
    REQUIRE(mail.size() > before);
    CHECK(mail.back().text.find("P0 shop: down") != std::string::npos);
    CHECK(queued(world, "boss").empty());
    world.pass(4min);
    CHECK(told_again(world) == 0);  // the time of a P0 begins when it is one
    world.pass(2min);
    CHECK(told_again(world) == 1);
}

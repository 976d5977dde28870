// Who is told what.
#include "tests/catch.hpp"
#include "tests/engine/support/world.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;

TEST_CASE("a pager is told that somebody has taken the incident, and nobody else is") {
    auto policy = shop_policy();
    policy.channels.push_back({"pager", "pagerduty", {}, ""});
    World world(std::move(policy));
    world.release_v2();
    world.fail_health(3);
    world.send(Acked{{"alice", "operate"}, world.incident()->id});
    auto const queued = [&](std::string const& channel) {
        std::size_t n = 0;
        for (auto const& [id, message] : world.engine.state().outbox) {
            n += message->channel == channel && message->event == "incident.acked";
        }
        return n;
    };
    CHECK(queued("pager") == 1);
    CHECK(queued("ops") == 0);
    world.send(Acked{{"bob", "operate"}, world.incident()->id});
    CHECK(queued("pager") == 1);
}

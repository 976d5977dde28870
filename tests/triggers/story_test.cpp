// The promises of the policy's own examples, told as they happen.
#include "tests/triggers/support.hpp"

using namespace rollbackd;
using namespace rollbackd::test;

TEST_CASE("exactly 1 % of failures does not fire, the first request above it does") {
    World world;
    world.context.rules.min_count = 100;
    auto& requests = world.signal("requests", SignalKind::outcomes);
    auto const when = "failure_ratio(requests, 5m) > 1%";
    for (int i = 0; i < 297; ++i) requests.observe(sample(1s + i * 100ms, good()));
    for (int i = 0; i < 3; ++i) requests.observe(sample(40s + i * 1s, bad()));
    auto const exact = world.judge(when, 43s);
    CHECK(exact.verdict == Verdict::false_);
    CHECK(exact.why == "failure_ratio(requests, 5m) = 1 %, not > 1 % (3 of 300)");
    requests.observe(sample(44s, bad()));
    auto const above = world.judge(when, 44s);
    CHECK(above.verdict == Verdict::true_);
    CHECK(above.why == "failure_ratio(requests, 5m) = 1.329 % > 1 % (4 of 301)");
    CHECK(above.begun == at(44s));
    CHECK(above.count == 4.0 / 301);
    CHECK(above.threshold == 0.01);
}

TEST_CASE("three webhook failures in a row do not fire and the fourth does, per provider") {
    World world;
    auto& webhooks = world.signal("webhooks", SignalKind::outcomes);
    auto const when = "consecutive_failures(webhooks) > 3";
    for (int i = 1; i <= 3; ++i) webhooks.observe(sample(i * 1s, bad("status: 500"), "stripe"));
    webhooks.observe(sample(3500ms, bad(), "paypal"));
    CHECK(
        world.judge(when, 4s).why ==
        "consecutive_failures(webhooks) = 3, not > 3 (by stripe; status: 500)"
    );
    CHECK(world.verdict(when, 4s) == Verdict::false_);
    webhooks.observe(sample(5s, bad(), "stripe"));
    auto const fourth = world.judge(when, 5s);
    CHECK(fourth.verdict == Verdict::true_);
    CHECK(fourth.why == "consecutive_failures(webhooks) = 4 > 3 (by stripe)");
    CHECK(fourth.begun == at(1s));
    CHECK(fourth.count == 4);
    webhooks.observe(sample(6s, good(), "stripe"));
    CHECK(world.verdict(when, 6s) == Verdict::false_);
}

TEST_CASE("the same event id retried four times is one failure") {
    World world;
    auto& webhooks = world.signal("webhooks", SignalKind::outcomes);
    CHECK(webhooks.observe(sample(1s, bad(), "stripe", "evt_1")));
    for (int i = 2; i <= 4; ++i) {
        CHECK_FALSE(webhooks.observe(sample(i * 1s, bad(), "stripe", "evt_1")));
    }
    CHECK(world.judge("consecutive_failures(webhooks) > 3", 5s).count == 1);
    CHECK(webhooks.counts({at(0s), at(5s)}) == Counts{0, 1, 0});
}

TEST_CASE("a scanner's 404s neither extend nor end the webhooks' streak, but count in the ratio") {
    World world;
    auto& webhooks = world.signal("webhooks", SignalKind::outcomes);
    for (int i = 0; i < 4; ++i) {
        webhooks.observe(sample(i * 2s + 1s, bad()));
        webhooks.observe(sample(i * 2s + 2s, neutral()));
    }
    CHECK(world.verdict("consecutive_failures(webhooks) > 3", 9s) == Verdict::true_);
    world.context.rules.min_count = 1;
    CHECK(world.judge("failure_ratio(webhooks, 1m) > 90%", 9s).count == 0.5);
}

TEST_CASE("below min_count false stays false, true becomes unknown, and nothing is unknown") {
    World world;
    auto& requests = world.signal("requests", SignalKind::outcomes);
    CHECK(world.judge("failure_ratio(requests, 5m) > 1%", 1s).why == "requests has no sample yet");
    for (int i = 1; i <= 5; ++i) requests.observe(sample(i * 1s, good()));
    CHECK(world.verdict("failure_ratio(requests, 5m) > 1%", 6s) == Verdict::false_);
    requests.observe(sample(6s, bad()));
    auto const thin = world.judge("failure_ratio(requests, 5m) > 1%", 6s);
    CHECK(thin.verdict == Verdict::unknown);
    CHECK(thin.why == "6 of 20 samples: failure_ratio(requests, 5m) = 16.67 % > 1 % (1 of 6)");
    CHECK(world.verdict("not failure_ratio(requests, 5m) <= 1%", 6s) == Verdict::unknown);
    CHECK(world.verdict("not failure_ratio(requests, 5m) > 1%", 6s) == Verdict::false_);
    CHECK(world.verdict("failure_ratio(requests, 5m) > 1%", 10min) == Verdict::unknown);
}

TEST_CASE("with confidence the Wilson bound must pass too") {
    World world;
    world.context.rules.confidence = 0.95;
    auto& requests = world.signal("requests", SignalKind::outcomes);
    for (int i = 1; i <= 19; ++i) requests.observe(sample(i * 1s, good()));
    requests.observe(sample(20s, bad()));
    auto const doubtful = world.judge("failure_ratio(requests, 5m) > 1%", 20s);
    CHECK(doubtful.verdict == Verdict::unknown);
    CHECK(
        doubtful.why ==
        "failure_ratio(requests, 5m) = 5 % > 1 % (1 of 20), but at 95 % "
        "confidence it may be as low as 0.8881 %"
    );
    requests.observe(sample(21s, bad()));
    CHECK(world.verdict("failure_ratio(requests, 5m) > 1%", 21s) == Verdict::true_);
}

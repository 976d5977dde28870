#include "actions/steps/pm2_state.hpp"

#include "tests/catch.hpp"

using namespace rollbackd;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t now = 1'000'000;

Pm2Instance instance(std::string status, std::int64_t pid, std::int64_t started_ms = 0) {
    return {"web", std::move(status), pid, 0, started_ms};
}

Pm2Look look(
    std::string const& verb, std::vector<Pm2Instance> const& list,
    std::vector<std::int64_t> const& pids = {7}
) {
    return judge_pm2(verb, "web", list, pids, now, 2s);
}

}  // namespace

TEST_CASE("PM2's list is the last line that is one, whatever it says before") {
    auto const list = read_pm2_list(
        "[PM2] Spawning PM2 daemon\n\n"
        R"([{"name":"web","pid":12,"pm2_env":{"status":"online","restart_time":3,"pm_uptime":99}}])"
        "\n"
    );
    REQUIRE(list);
    CHECK(*list == std::vector<Pm2Instance>{{"web", "online", 12, 3, 99}});
    CHECK(read_pm2_list("[]"));
    CHECK_FALSE(read_pm2_list(""));
    CHECK_FALSE(read_pm2_list("[PM2] nothing\n"));
    CHECK_FALSE(read_pm2_list("{}\n"));
    CHECK(read_pm2_list(R"([{"name":5},7,null])")->size() == 3);
}

TEST_CASE("a restart is good when every instance is another and has been up for a while") {
    CHECK(
        look("restart", {instance("online", 8), instance("online", 9)}).verdict == Pm2Verdict::good
    );
    CHECK(
        look("restart", {instance("online", 8), instance("online", 7)}).text ==
        "it was not started anew"
    );
    CHECK(look("restart", {instance("online", 8, now - 1999)}).verdict == Pm2Verdict::wait);
    CHECK(look("restart", {instance("launching", 8)}).verdict == Pm2Verdict::wait);
    CHECK(look("start", {instance("online", 7)}).verdict == Pm2Verdict::good);
}

TEST_CASE("an app that PM2 has given up is bad at once, and so is one it does not have") {
    auto const given_up = look("restart", {instance("online", 8), instance("errored", 0)});
    CHECK(given_up.verdict == Pm2Verdict::bad);
    CHECK(given_up.text == "PM2 has given it up (errored, 0 restarts)");
    CHECK(look("start", {}).verdict == Pm2Verdict::bad);
    CHECK(look("stop", {}).verdict == Pm2Verdict::bad);
}

TEST_CASE("a stopped app is down however it got there, and a deleted one is gone") {
    CHECK(
        look("stop", {instance("stopped", 0), instance("errored", 0)}).verdict == Pm2Verdict::good
    );
    CHECK(look("stop", {instance("stopping", 7)}).verdict == Pm2Verdict::wait);
    CHECK(look("delete", {instance("stopped", 0)}).verdict == Pm2Verdict::wait);
    CHECK(look("delete", {}).text == "web is gone");
}

// What systemd, a container engine and PM2 say, and what that means.
#include "tests/catch.hpp"
#include "tests/core/io/support/temp_folder.hpp"
#include "tests/triggers/probes/support.hpp"
#include "triggers/probes/containers.hpp"
#include "triggers/probes/pm2_list.hpp"
#include "triggers/probes/unit_state.hpp"

#include <sys/stat.h>
#include <unistd.h>

using namespace rollbackd;
using namespace rollbackd::testing;
using namespace std::chrono_literals;

namespace {

std::string unit(std::string const& active, std::string const& sub, std::string const& more = {}) {
    return "LoadState=loaded\nActiveState=" + active + "\nSubState=" + sub + "\n" + more;
}

UnitJudgement judge(std::string const& text, bool must_run = true) {
    return judge_unit(parse_unit(text), must_run);
}

ContainerFacts container(std::string status, std::string service = "web") {
    ContainerFacts facts;
    facts.name = service + "-1";
    facts.service = std::move(service);
    facts.status = std::move(status);
    return facts;
}

Pm2Process process(std::string status, std::uint64_t restarts = 0, std::int64_t started_ms = 0) {
    Pm2Process made;
    made.name = "shop";
    made.status = std::move(status);
    made.restarts = restarts;
    made.started_ms = started_ms;
    return made;
}

Instant at(Duration since) { return Instant(1h + since); }

}  // namespace

TEST_CASE("a unit runs, has failed and how, or is on its way") {
    CHECK(judge(unit("active", "running")).verdict == UnitVerdict::good);
    auto const crashed =
        judge(unit("failed", "failed", "Result=exit-code\nExecMainStatus=3\nNRestarts=5\n"));
    CHECK(crashed == UnitJudgement{UnitVerdict::failed, "failed: exit-code, status 3, 5 restarts"});
    auto const loops = judge(unit("activating", "auto-restart", "Result=signal\nNRestarts=2\n"));
    CHECK(loops == UnitJudgement{UnitVerdict::failed, "restarting: signal, 2 restarts"});
    CHECK(judge(unit("activating", "start")).verdict == UnitVerdict::unknown);
    CHECK(judge(unit("deactivating", "stop")).verdict == UnitVerdict::unknown);
    CHECK(judge(unit("inactive", "dead", "Result=success\n")).reason == "inactive: success");
    CHECK(judge("LoadState=not-found\nActiveState=inactive\n").reason.starts_with("missing: "));
    CHECK(judge("LoadState=masked\nActiveState=inactive\n").reason == "unloadable: masked");
}

TEST_CASE("a job is well while its last run has not failed") {
    CHECK(judge(unit("inactive", "dead", "Result=success\n"), false).verdict == UnitVerdict::good);
    CHECK(judge(unit("activating", "start"), false).verdict == UnitVerdict::good);
    CHECK(judge(unit("failed", "failed"), false).verdict == UnitVerdict::failed);
}

TEST_CASE("what systemctl does not say is unknown") {
    for (auto const* const text :
         {"", "garbage", "ActiveState=\nLoadState=\n", "LoadState=loaded\n",
          "LoadState=loaded\nActiveState=dancing\n"}) {
        INFO(text);
        CHECK(judge(text).verdict == UnitVerdict::unknown);
    }
    CHECK_FALSE(measure_unit(parse_unit(unit("active", "running")), "restarts", {}));
    auto const not_set = unit("active", "running", "MemoryCurrent=[not set]\n");
    CHECK_FALSE(measure_unit(parse_unit(not_set), "memory", {}));
    auto const all_ones = unit("active", "running", "MemoryCurrent=18446744073709551615\n");
    CHECK_FALSE(measure_unit(parse_unit(all_ones), "memory", {}));
}

TEST_CASE("a unit's restarts, memory and uptime are numbers") {
    auto const facts = parse_unit(
        unit("active", "running", "NRestarts=4\nMemoryCurrent=4096\nActiveEnterTimestamp=@1000\n")
    );
    WallTime const then(1060s);
    CHECK(measure_unit(facts, "restarts", then) == 4.0);
    CHECK(measure_unit(facts, "memory", then) == 4096.0);
    CHECK(measure_unit(facts, "uptime", then) == 60.0);
}

TEST_CASE("a unit's times are read in both ways systemctl writes them") {
    CHECK(unit_time("@1000") == WallTime(1000s));
    CHECK(unit_time("Thu 1970-01-01 00:16:40 UTC") == WallTime(1000s));
    for (auto const* const text :
         {"", "n/a", "@", "@x", "@99999999999999", "Thu 1970-01-01 00:16:40 CET"}) {
        INFO(text);
        CHECK_FALSE(unit_time(text));
    }
}

TEST_CASE("a unit's name needs its ending, and is no option") {
    CHECK(
        mistakes_in("systemd", R"({"unit":"shop"})") ==
        std::vector<std::string>{"unit: \"shop\" has no ending; write shop.service"}
    );
    CHECK(mistakes_in("systemd", R"({"unit":"--version"})").size() == 1);
    CHECK(mistakes_in("systemd", R"({"unit":"shop.service"})").empty());
}

TEST_CASE("containers are judged by the worst of them") {
    auto const verdict = [](std::vector<ContainerFacts> const& all,
                            std::vector<std::string> const& services = {}) {
        return judge_containers(all, services);
    };
    CHECK(
        verdict({container("running"), container("running", "db")}) ==
        ContainersJudgement{ContainersVerdict::good, "2 running"}
    );
    CHECK(verdict({}).reason == "missing: there is no container");
    CHECK(
        verdict({container("running")}, {"web", "worker"}).reason ==
        "missing: worker has no container"
    );
    CHECK(verdict({container("running"), container("paused", "db")}).reason == "paused: db-1");
    auto dead = container("exited", "db");
    dead.exit = 137;
    dead.out_of_memory = true;
    CHECK(verdict({dead}).reason == "exited: db-1 (exit 137, out of memory)");
    auto sick = container("running");
    sick.health = "unhealthy";
    CHECK(verdict({sick}).reason == "unhealthy: web-1 fails its own check");
    auto loops = container("restarting");
    loops.exit = 1;
    loops.restarts = 6;
    CHECK(verdict({loops}).reason == "restarting: web-1 (exit 1), 6 restarts");
}

TEST_CASE("a job that ended well is well, unless it is a service that must run") {
    auto const done = container("exited", "migrate");
    CHECK(judge_containers({container("running"), done}, {}).verdict == ContainersVerdict::good);
    CHECK(judge_containers({done}, {"migrate"}).reason == "exited: migrate-1 (exit 0)");
    auto always = done;
    always.restarts_itself = true;
    CHECK(judge_containers({always}, {}).verdict == ContainersVerdict::failed);
}

TEST_CASE("a container that is starting is neither well nor failed") {
    auto starting = container("running");
    starting.health = "starting";
    CHECK(judge_containers({starting}, {}).verdict == ContainersVerdict::unknown);
    CHECK(judge_containers({container("created")}, {}).verdict == ContainersVerdict::unknown);
    CHECK(
        judge_containers({starting, container("dead", "db")}, {}).reason == "dead: db-1 (exit 0)"
    );
}

TEST_CASE("an engine's answers are read, one-off containers left out, and garbage refused") {
    auto const ids = parse_container_ids(*parse_json(
        R"([{"Id":"a"},{"Id":"b","Labels":{"com.docker.compose.oneoff":"True"}},{"Id":"c"}])"
    ));
    CHECK(ids == std::vector<std::string>{"a", "c"});
    CHECK_FALSE(parse_container_ids(*parse_json(R"({"message":"no"})")));
    CHECK_FALSE(parse_container_ids(*parse_json(R"([{}])")));
    auto const facts = parse_container(*parse_json(R"json({
        "Name": "/shop_web_1", "RestartCount": 2,
        "State": {"Status": "running", "ExitCode": 0, "OOMKilled": false,
                  "Health": {"Status": "healthy"}},
        "Config": {"Env": ["SECRET=x"], "Labels": {"com.docker.compose.service": "web"}},
        "HostConfig": {"RestartPolicy": {"Name": "always"}}})json"));
    REQUIRE(facts);
    CHECK(facts->name == "shop_web_1");
    CHECK(facts->service == "web");
    CHECK(facts->health == "healthy");
    CHECK(facts->restarts == 2);
    CHECK(facts->restarts_itself);
    CHECK_FALSE(parse_container(*parse_json(R"({"State":{}})")));
    CHECK_FALSE(parse_container(*parse_json("[]")));
}

TEST_CASE("an engine that cannot be asked is our own trouble") {
    ProbeLoop probes;
    auto const gone = probes.ask("docker", R"({"project":"shop","socket":"/no/such.sock"})");
    CHECK(unknown_of(gone).starts_with("cannot_look: "));
    CHECK(mistakes_in("docker", R"({"container":"a","services":["b"]})").size() == 1);
}

TEST_CASE("PM2's list is read from among other lines, without any environment") {
    auto const list = parse_pm2(
        ">>>> In-memory PM2 is out-of-date\n[1] not this\n"
        R"([{"name":"shop","pm_id":3,"monit":{"memory":5000},"pm2_env":{"status":"online",)"
        R"("restart_time":2,"pm_uptime":1700000000000,"SECRET":"x"}}])"
        "\n"
    );
    REQUIRE(list);
    REQUIRE(list->size() == 1);
    CHECK(list->front().name == "shop");
    CHECK(list->front().restarts == 2);
    CHECK(list->front().memory == 5000);
    for (auto const* const text : {"", "[", "{}", "nonsense\n", R"([{"pm2_env":{}}])"}) {
        INFO(text);
        CHECK_FALSE(parse_pm2(text));
    }
}

TEST_CASE("an app is errored, stopped or missing; fewer instances than wanted are a failure") {
    CHECK(pm2_failure({process("online")}, {}).empty());
    CHECK(pm2_failure({}, {}).starts_with("missing: "));
    CHECK(pm2_failure({process("online"), process("errored")}, {}).starts_with("errored: 1 of 2 "));
    CHECK(pm2_failure({process("online"), process("errored")}, 1).empty());
    CHECK(pm2_failure({process("stopped")}, {}) == "stopped: 0 of 1 online, another is stopped");
    CHECK(pm2_failure({process("online")}, 2) == "stopped: 1 of 1 online, expected 2");
}

TEST_CASE("ten restarts within a minute are a crash loop, and nine are none") {
    Pm2Watch watch;
    CHECK(watch.look({process("online", 100, 0)}, at(0s)).empty());
    CHECK(watch.look({process("online", 109, 500'000)}, at(30s)).empty());
    CHECK_FALSE(watch.look({process("online", 110, 600'000)}, at(59s)).empty());
    CHECK(watch.look({process("online", 110, 600'000)}, at(125s)).empty());
}

TEST_CASE("a restart within ten seconds of a start is a loop the second time, not the first") {
    Pm2Watch watch;
    CHECK(watch.look({process("online", 0, 0)}, at(0s)).empty());
    CHECK(watch.look({process("online", 1, 5000)}, at(5s)).empty());
    CHECK(
        watch.look({process("online", 2, 9000)}, at(9s)) == "looping: 2 restarts within a minute"
    );
}

TEST_CASE("a crash loop is seen over a restart of ours, and another day's is not") {
    Now const then{at(0s), WallTime(std::chrono::hours(1000))};
    Pm2Watch watch;
    CHECK(watch.save(then).is_null());
    CHECK(watch.look({process("online", 0, 0)}, at(0s)).empty());
    CHECK(watch.look({process("online", 1, 5000)}, at(5s)).empty());
    auto const saved = watch.save({at(5s), then.wall + 5s});
    // After a boot: the same wall time, another count of seconds.
    Pm2Watch again;
    again.resume(saved, {at(1s), then.wall + 9s});
    CHECK(again.look({process("online", 2, 9000)}, at(1s)).starts_with("looping: "));
    Pm2Watch late;
    late.resume(saved, {at(100s), then.wall + 24h});
    CHECK(late.look({process("online", 2, 9000)}, at(100s)).empty());
    Pm2Watch rubbish;
    rubbish.resume(parse_json(R"([{"id":"x"}])").value(), then);
    CHECK(rubbish.save(then).is_null());
}

TEST_CASE("restarts far apart, or counted anew, are no loop") {
    Pm2Watch watch;
    CHECK(watch.look({process("online", 0, 0)}, at(0s)).empty());
    CHECK(watch.look({process("online", 1, 20'000)}, at(20s)).empty());
    CHECK(watch.look({process("online", 2, 40'000)}, at(40s)).empty());
    CHECK(watch.look({process("online", 0, 41'000)}, at(41s)).empty());
    CHECK(watch.look({process("online", 1, 60'000)}, at(60s)).empty());
}

TEST_CASE("a PM2 that does not run is not started by asking it") {
    ProbeLoop probes;
    TempFolder const home;
    auto const started = home.path("started");
    home.write("pm2", "#!/bin/sh\ntouch " + started + "\necho '[]'\n");
    REQUIRE(::chmod(home.path("pm2").c_str(), 0755) == 0);
    auto const params = "{\"app\":\"shop\",\"home\":\"" + home.path() + "\",\"command\":[\"" +
                        home.path("pm2") + "\"]}";
    CHECK(state_of(probes.ask("pm2", params)).reason.starts_with("gone: "));
    CHECK_FALSE(std::filesystem::exists(started));
    home.write("pm2.pid", std::to_string(::getpid()));
    CHECK(state_of(probes.ask("pm2", params)).reason.starts_with("missing: "));
    CHECK(std::filesystem::exists(started));
    home.write("pm2.pid", "rubbish");
    CHECK(unknown_of(probes.ask("pm2", params)).starts_with("garbage: "));
}

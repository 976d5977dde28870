#include "tests/catch.hpp"
#include "tests/core/io/support/temp_folder.hpp"
#include "tests/triggers/probes/support.hpp"

#include <filesystem>

using namespace rollbackd;
using namespace rollbackd::testing;

namespace {

ProbeAnswer ask_shell(ProbeLoop& probes, std::string const& script, std::string const& more = {}) {
    JsonArray argv{"sh", "-c"};
    argv.emplace_back(script);
    auto const params = "{\"argv\":" + to_text(Json(argv)) + more + "}";
    return probes.ask("exec", params);
}

}  // namespace

TEST_CASE("exit codes mean what plugins mean by them") {
    ProbeLoop probes;
    auto const ok = state_of(ask_shell(probes, "echo 'LOAD OK - 0.1|load1=0.1;5;10'"));
    CHECK(ok.ok);
    CHECK(ok.reason == "LOAD OK - 0.1");
    auto const warning = state_of(ask_shell(probes, "echo 'DISK WARNING'; exit 1"));
    CHECK_FALSE(warning.ok);
    CHECK(warning.reason == "warning: DISK WARNING");
    auto const critical = state_of(ask_shell(probes, "echo 'DISK CRITICAL'; exit 2"));
    CHECK_FALSE(critical.ok);
    CHECK(critical.reason == "critical: DISK CRITICAL");
    CHECK(state_of(ask_shell(probes, "exit 1", R"(,"warning":"ok")")).ok);
}

TEST_CASE("a plugin that does not know, or is none, says nothing about the target") {
    ProbeLoop probes;
    for (auto const* const script : {"exit 3", "exit 4", "exit 127", "exit 255"}) {
        INFO(script);
        CHECK(unknown_of(ask_shell(probes, script)).starts_with("unknown: exit "));
    }
    CHECK(unknown_of(ask_shell(probes, "kill -9 $$")).starts_with("signal: "));
    auto const missing = probes.ask("exec", R"({"argv":["/no/such/plugin"]})");
    CHECK(unknown_of(missing).starts_with("missing: "));
}

TEST_CASE("of any other command every exit but 0 is a failure") {
    ProbeLoop probes;
    auto const plain = R"(,"codes":"plain")";
    CHECK(state_of(ask_shell(probes, "exit 0", plain)).ok);
    auto const failed = state_of(ask_shell(probes, "echo no route >&2; exit 7", plain));
    CHECK(failed.reason == "exit: exit 7, no route");
    CHECK(unknown_of(ask_shell(probes, "exit 127", plain)).starts_with("unknown: exit 127"));
}

TEST_CASE("a command that hangs is ended in time, and is unknown unless it is to be a failure") {
    ProbeLoop probes;
    auto const params = R"({"argv":["sleep","1000"]})";
    CHECK(unknown_of(probes.ask("exec", params, std::chrono::milliseconds(50)))
              .starts_with("timeout: "));
    auto const strict = R"({"argv":["sleep","1000"],"timed_out":"failed"})";
    auto const late = state_of(probes.ask("exec", strict, std::chrono::milliseconds(50)));
    CHECK_FALSE(late.ok);
    CHECK(late.reason.starts_with("timeout: "));
}

TEST_CASE("a number of the performance data is a gauge, whatever the plugin thinks of it") {
    ProbeLoop probes;
    auto const script = "echo 'DISK CRITICAL|/=90%;80;90'; exit 2";
    CHECK(number_of(ask_shell(probes, script, R"(,"measure":"/")")) == 0.9);
    auto const other = unknown_of(ask_shell(probes, script, R"(,"measure":"/srv")"));
    CHECK(other == "garbage: no number called /srv in its performance data, which has /");
    CHECK(mistakes_in("exec", R"({"argv":["a"],"measure":""})").size() == 1);
}

TEST_CASE("a secret in a command's environment is never in what it says") {
    ::setenv("RB_EXEC_TOKEN", "s3cret-token-value", 1);
    ProbeLoop probes;
    auto const env = R"(,"env":{"TOKEN":"${RB_EXEC_TOKEN}"})";
    auto const state = state_of(ask_shell(probes, "echo \"asked with $TOKEN\"; exit 2", env));
    CHECK(state.reason == "critical: asked with [secret]");
    ::unsetenv("RB_EXEC_TOKEN");
    auto const unset = unknown_of(ask_shell(probes, "true", env));
    CHECK(unset.find("RB_EXEC_TOKEN") != std::string::npos);
}

TEST_CASE("the monitoring plugins work unchanged") {
    std::string const folder = "/usr/lib/nagios/plugins/";
    if (!std::filesystem::exists(folder + "check_disk")) {
        WARN("SKIPPED_BECAUSE monitoring-plugins-basic is not installed");
        return;
    }
    ProbeLoop probes;
    TempFolder const files;
    auto const fresh = files.write("fresh", "x");
    auto const ask = [&](std::string const& argv, std::string const& more = {}) {
        return probes.ask("exec", "{\"argv\":[\"" + folder + argv + "]" + more + "}");
    };
    CHECK(state_of(ask(R"(check_dummy","0","fine")")).reason == "OK: fine");
    CHECK_FALSE(state_of(ask(R"(check_dummy","2")")).ok);
    CHECK(unknown_of(ask(R"(check_dummy","3")")).starts_with("unknown: exit 3"));
    CHECK(
        state_of(ask("check_file_age\",\"-w\",\"600\",\"-c\",\"900\",\"-f\",\"" + fresh + "\"")).ok
    );
    auto const gone = files.path("gone");
    CHECK_FALSE(state_of(ask("check_file_age\",\"-f\",\"" + gone + "\"")).ok);
    CHECK(number_of(ask(R"(check_procs","-w","1:100000")", R"(,"measure":"procs")")) > 0);
    CHECK(number_of(ask(R"(check_load","-w","900","-c","900")", R"(,"measure":"load1")")) >= 0);
}

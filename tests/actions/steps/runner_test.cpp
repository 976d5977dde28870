#include "actions/steps/runner.hpp"

#include "actions/steps/registry.hpp"
#include "tests/actions/steps/support/hands.hpp"
#include "tests/catch.hpp"

#include <filesystem>
#include <fstream>

using namespace rollbackd;
using namespace rollbackd::test;
using namespace std::chrono_literals;

namespace {

bool contains(std::string const& text, std::string const& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("an exec step is done at exit 0 and failed at any other, with its output") {
    TempDir dir;
    Hands hands(dir.path());
    auto saved = shell_step("echo ' hello '; echo noise >&2");
    saved.save = "greeting";
    auto const done = hands.run(saved, "r1");
    CHECK(done.kind == OutcomeKind::done);
    CHECK(done.exit == 0);
    CHECK(done.saved == "hello");
    CHECK(contains(done.text, "noise"));
    auto const failed = hands.run(shell_step("echo why >&2; exit 7"), "r2");
    CHECK(failed.kind == OutcomeKind::failed);
    CHECK(failed.exit == 7);
    CHECK(failed.text == "exit 7: why");
    CHECK(hands.run(exec({"/nonexistent"}), "r3").kind == OutcomeKind::failed);
}

TEST_CASE("argv elements and environment reach the program as they are") {
    TempDir dir;
    Hands hands(dir.path());
    auto made = exec({"printf", "<%s>", "two words", "$HOME", "'\";\n", ""});
    CHECK(hands.run(made).text == "<two words><$HOME><'\";\n><>");
    auto with_env = step(
        "exec",
        JsonObject{{"argv", {"sh", "-c", "echo $A; pwd"}}, {"env", {{"A", "a b"}}}, {"cwd", "/tmp"}}
    );
    CHECK(hands.run(with_env, "r2").text == "a b\n/tmp");
}

TEST_CASE("a timeout is unknown, and failed where the step may be repeated") {
    TempDir dir;
    Hands hands(dir.path());
    auto made = exec({"sleep", "30"});
    made.timeout = 200ms;
    auto const unknown = hands.run(made, "r1");
    CHECK(unknown.kind == OutcomeKind::unknown);
    CHECK(contains(unknown.text, "no end within"));
    made.idempotent = true;
    CHECK(hands.run(made, "r2").kind == OutcomeKind::failed);
}

TEST_CASE("secrets of the environment are filled in late and shown nowhere") {
    TempDir dir;
    Hands hands(dir.path());
    REQUIRE(setenv("ROLLBACKD_TEST_TOKEN", "s3cr3t-t0ken", 1) == 0);
    auto const argv = hands.run(
        exec(
            {"sh", "-c", "test \"$1\" = s3cr3t-t0ken && echo same $1", "sh",
             "${ROLLBACKD_TEST_TOKEN}"}
        ),
        "r1"
    );
    CHECK(argv.text == "same [secret]");
    // In a shell line the shell itself fills it in: the value is never code.
    auto const line = hands.run(
        step(
            "exec",
            JsonObject{{"shell", "test ${ROLLBACKD_TEST_TOKEN} = s3cr3t-t0ken && echo ${x:-same}"}}
        ),
        "r2"
    );
    CHECK(line.text == "same");
    unsetenv("ROLLBACKD_TEST_TOKEN");
    auto const missing = hands.run(exec({"echo", "${ROLLBACKD_TEST_TOKEN}"}), "r3");
    CHECK(missing.kind == OutcomeKind::failed);
    CHECK(contains(missing.text, "ROLLBACKD_TEST_TOKEN"));
}

TEST_CASE("output that is no text can still be told") {
    TempDir dir;
    Hands hands(dir.path());
    auto const outcome = hands.run(shell_step("printf '\\377\\033[31mred\\000'"));
    CHECK(outcome.text == "\\xff\\x1b[31mred\\x00");
    auto const long_one = hands.run(shell_step("seq 1 100000"), "r2");
    CHECK(long_one.text.size() < 5000);
    CHECK(long_one.text.ends_with("\n100000"));
}

TEST_CASE("what a running step writes can be read as it comes: whole lines, secrets left out") {
    TempDir dir;
    Hands hands(dir.path("run"));
    REQUIRE(setenv("ROLLBACKD_TEST_LIVE", "l1ve-s3cret", 1) == 0);
    hands.begin(shell_step(
        "echo begun with ${ROLLBACKD_TEST_LIVE}; printf 'half a line'; while [ ! -e " +
        dir.path("gate") + " ]; do sleep 0.05; done; echo; echo over"
    ));
    hands.loop_until([&] { return !hands.runner().output("r1", 1).empty(); });
    CHECK(hands.runner().output("r1", 1) == "begun with [secret]\n");
    CHECK(hands.runner().output("r1", 2).empty());
    CHECK(hands.runner().output("r2", 1).empty());
    std::ofstream(dir.path("gate")) << "open";
    CHECK(contains(hands.finish().text, "over"));
}

TEST_CASE("of a flood the newest lines are shown while it runs") {
    TempDir dir;
    Hands hands(dir.path("run"));
    hands.begin(shell_step(
        "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo line $i; done; while [ ! -e " +
        dir.path("gate") + " ]; do sleep 0.05; done"
    ));
    hands.loop_until([&] { return contains(hands.runner().output("r1", 1), "line 20000\n"); });
    auto const shown = hands.runner().output("r1", 1);
    CHECK(shown.size() <= 16 * 1024);
    CHECK(shown.starts_with("line "));
    std::ofstream(dir.path("gate")) << "open";
    CHECK(hands.finish().kind == OutcomeKind::done);
}

TEST_CASE("abort ends a running step with everything it started") {
    TempDir dir;
    Hands hands(dir.path("run"));
    hands.begin(
        shell_step("trap '' TERM; echo x >" + dir.path("begun") + "; while :; do sleep 0.05; done")
    );
    hands.loop_until([&] { return dir.has("begun"); });
    auto const begun = std::chrono::steady_clock::now();
    hands.runner().abort("r1", 2);  // another step: nothing happens
    hands.runner().abort("r1", 1);
    CHECK(hands.finish().kind == OutcomeKind::aborted);
    CHECK(std::chrono::steady_clock::now() - begun < 9s);
}

TEST_CASE("a step aborted between two lives of the daemon stays aborted") {
    TempDir dir;
    {
        Hands hands(dir.path("run"));
        hands.begin(shell_step("echo x >" + dir.path("begun") + "; sleep 30"));
        hands.loop_until([&] { return dir.has("begun"); });
    }
    Hands next(dir.path("run"));
    next.runner().abort("r1", 1);
    CHECK(next.run(shell_step("echo again >" + dir.path("again"))).kind == OutcomeKind::aborted);
    CHECK_FALSE(dir.has("again"));
}

TEST_CASE("an abort is told to the next life too, whatever came of the step") {
    TempDir dir;
    auto const made = shell_step(
        "trap 'exit 0' TERM; echo x >" + dir.path("begun") + "; while :; do sleep 0.05; done"
    );
    {
        Hands hands(dir.path("run"));
        hands.begin(made);
        hands.loop_until([&] { return dir.has("begun"); });
        hands.runner().abort("r1", 1);
    }
    Hands next(dir.path("run"));
    auto const outcome = next.run(made);
    CHECK(outcome.kind == OutcomeKind::aborted);
    CHECK(outcome.abort_asked);
    CHECK_FALSE(next.run(shell_step("true"), "r2").abort_asked);
}

TEST_CASE("an abort kills and is one though not even its mark can be written") {
    TempDir dir;
    Hands hands(dir.path("run"));
    hands.begin(shell_step("echo x >" + dir.path("begun") + "; sleep 30"));
    hands.loop_until([&] { return dir.has("begun"); });
    // A folder in the way of each mark's temporary file.
    std::vector<std::filesystem::path> folders{dir.path("run/r1.1.0")};
    for (auto const& entry : std::filesystem::directory_iterator(folders.front())) {
        if (entry.is_directory()) folders.push_back(entry.path());
    }
    REQUIRE(folders.size() == 2);
    for (auto const& folder : folders) std::filesystem::create_directory(folder / "abort.new");
    hands.runner().abort("r1", 1);
    auto const outcome = hands.finish();
    CHECK(outcome.kind == OutcomeKind::aborted);
    CHECK(outcome.abort_asked);
}

TEST_CASE("a step begun in an earlier life is adopted: it ran once and its outcome is known") {
    TempDir dir;
    auto const made = shell_step("echo x >>" + dir.path("marks") + "; sleep 0.3; exit 5");
    {
        Hands hands(dir.path("run"));
        hands.begin(made);
        hands.loop_until([&] { return dir.has("marks"); });
    }
    Hands next(dir.path("run"));
    auto const outcome = next.run(made);
    CHECK(outcome.kind == OutcomeKind::failed);
    CHECK(outcome.exit == 5);
    CHECK(dir.read("marks") == "x\n");
}

TEST_CASE("settling asks the step's check, then its type, and repeats only what may be repeated") {
    TempDir dir;
    Hands hands(dir.path());
    auto made = exec({"true"});
    CHECK(hands.settle(made).kind == OutcomeKind::unknown);
    made.check = {"sh", "-c", "exit 0"};
    CHECK(hands.settle(made).kind == OutcomeKind::done);
    made.check = {"sh", "-c", "exit 1"};
    CHECK(hands.settle(made).kind == OutcomeKind::failed);
    made.check = {"sh", "-c", "exit 2"};
    CHECK(hands.settle(made).kind == OutcomeKind::unknown);
    made.check = {"/nonexistent"};
    CHECK(hands.settle(made).kind == OutcomeKind::unknown);
    made.check.clear();
    made.idempotent = true;
    CHECK(hands.settle(made).kind == OutcomeKind::failed);
}

TEST_CASE("checks pass at exit 0 and are bounded by their limit") {
    TempDir dir;
    Hands hands(dir.path());
    CHECK(hands.check({"r1", {"true"}, "", 5s}).passed);
    auto const failed = hands.check({"r1", {"sh", "-c", "echo no; exit 1"}, "", 5s});
    CHECK_FALSE(failed.passed);
    CHECK(contains(failed.text, "no"));
    CHECK_FALSE(hands.check({"r1", {"sleep", "30"}, "", 200ms}).passed);
    CHECK_FALSE(hands.check({"r1", {"true"}, "nowhere", 5s}).passed);
}

TEST_CASE("preflight names what is missing and changes nothing") {
    TempDir dir;
    Hands hands(dir.path());
    CHECK_FALSE(hands.preflight(exec({"true"})));
    CHECK(contains(hands.preflight(exec({"no-such-program-here"})).value(), "no-such-program-here")
    );
    auto elsewhere = exec({"true"});
    elsewhere.host = "nowhere";
    CHECK(contains(hands.preflight(elsewhere).value(), "nowhere"));
}

TEST_CASE("a program is looked for where the step itself would find it") {
    TempDir dir;
    Hands hands(dir.path("run"));
    dir.write("flagctl", "#!/bin/sh\n");
    sh("chmod +x flagctl", dir.path());
    auto made = exec({"flagctl"});
    CHECK(hands.preflight(made));
    made.params["env"] = JsonObject{{"PATH", dir.path() + ":/usr/bin:/bin"}};
    CHECK_FALSE(hands.preflight(made));
    CHECK(hands.run(made, "r1").kind == OutcomeKind::done);
}

TEST_CASE("a tool that has no time or no room for a question says nothing against the step") {
    TempDir dir;
    Hands hands(dir.path("run"));
    auto const look = [&](std::string const& words) {
        dir.write("compose", "#!/bin/sh\necho '" + words + "' >&2; exit 1\n");
        sh("chmod +x compose", dir.path());
        JsonObject params{
            {"command", JsonArray{to_json(dir.path("compose"))}},
            {"cwd", dir.path()},
            {"do", "build"}
        };
        auto const found = hands.look(step("compose", std::move(params)));
        REQUIRE(found);
        return *found;
    };
    for (auto const& words :
         {"sh: 1: Cannot fork", "fork: Resource temporarily unavailable",
          "FATAL:  sorry, too many clients already", "dial unix docker.sock: i/o timeout",
          "FATAL:  the database system is starting up"}) {
        INFO(words);
        CHECK(look(words).unanswered);
    }
    auto const broken = look("no configuration file provided: not found");
    CHECK_FALSE(broken.unanswered);
    // What a tool of somebody else's is missing only its words say.
    CHECK(broken.needs == Grounds{.files = true, .services = true});
}

TEST_CASE("a preflight that finds no time says nothing against the step") {
    TempDir dir;
    Hands hands(dir.path("run"));
    sh("git init -q slow && cd slow && git config user.email t@example.com && "
       "git config user.name t && git config filter.slow.clean cat && "
       "echo 'page filter=slow' >.gitattributes && echo 1 >page && git add . && "
       "git commit -qm one && git config filter.slow.clean 'sleep 20; cat' && echo 2 >page",
       dir.path());
    auto const slow = step("git_checkout", JsonObject{{"repo", dir.path("slow")}, {"to", "HEAD"}});
    CHECK(hands.preflight(slow).value_or("") == "");
}

TEST_CASE("a preflight that is killed says nothing against the step") {
    TempDir dir;
    Hands hands(dir.path("run"));
    sh("git init -q shop && cd shop && git config user.email t@example.com && "
       "git config user.name t && git config filter.kill.clean cat && "
       "echo 'page filter=kill' >.gitattributes && echo 1 >page && git add . && "
       "git commit -qm one && git config filter.kill.clean ../kill && echo 2 >page",
       dir.path());
    dir.write("kill", R"sh(#!/bin/sh
p=$$
while p=$(ps -o ppid= -p "$p" | tr -d ' ') && [ "${p:-0}" -gt 1 ]; do
    [ "$(ps -o comm= -p "$p")" != rollbackd-step ] || { kill -9 "$p"; touch ../killed; break; }
done
cat
)sh");
    sh("chmod +x kill", dir.path());
    auto const killed =
        step("git_checkout", JsonObject{{"repo", dir.path("shop")}, {"to", "HEAD"}});
    CHECK(hands.preflight(killed).value_or("") == "");
    CHECK(std::filesystem::exists(dir.path("killed")));
}

TEST_CASE("a dry run says what each type would do") {
    TempDir dir;
    Hands hands(dir.path());
    auto remote = exec({"systemctl", "stop", "a b"});
    remote.host = "web1";
    CHECK(hands.runner().dry_run(remote) == "run systemctl stop 'a b' on web1");
    for (auto const& info : step_catalogue()) {
        CAPTURE(info.name);
        CHECK_FALSE(hands.runner().dry_run(step(info.name, {})).empty());
    }
}

TEST_CASE("a forgotten run leaves nothing behind, and no other run's claims are touched") {
    TempDir dir;
    Hands hands(dir.path());
    CHECK(hands.run(exec({"true"}), "r1").kind == OutcomeKind::done);
    CHECK(hands.run(exec({"true"}), "r10").kind == OutcomeKind::done);
    hands.runner().forget("r1");
    CHECK_FALSE(dir.has("r1.1.0"));
    CHECK(dir.has("r10.1.0"));
}

TEST_CASE("what a step left behind is private, and is removed once its outcome is kept elsewhere") {
    TempDir dir;
    Hands hands(dir.path("run"));
    for (std::uint32_t const n : {1U, 2U, 12U}) {
        CHECK(hands.run(shell_step("echo raw output"), "r1", n).kind == OutcomeKind::done);
    }
    CHECK(hands.run(exec({"true"}), "r2").kind == OutcomeKind::done);
    CHECK(sh("find " + dir.path("run") + " -perm /077") == "");
    hands.runner().forget_step("r1", 1);
    CHECK_FALSE(dir.has("run/r1.1.0"));
    CHECK(dir.has("run/r1.2.0"));
    CHECK(dir.has("run/r1.12.0"));
    dir.write("run/notes.txt", "not ours");
    hands.runner().forget_all_but({"r2"});
    CHECK_FALSE(dir.has("run/r1.2.0"));
    CHECK(dir.has("run/r2.1.0"));
    CHECK(dir.has("run/notes.txt"));
}

TEST_CASE("a folder of claims belongs to one daemon at a time") {
    TempDir dir;
    auto first = std::make_unique<Hands>(dir.path("run"));
    CHECK_THROWS(Hands(dir.path("run")));
    first.reset();
    Hands const next(dir.path("run"));
}

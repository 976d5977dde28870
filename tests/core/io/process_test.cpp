#include "core/io/process.hpp"

#include "core/io/deadline.hpp"
#include "tests/catch.hpp"
#include "tests/core/io/support/loop.hpp"
#include "tests/core/io/support/temp_folder.hpp"

#include <csignal>
#include <fstream>

using namespace rollbackd;
using namespace std::chrono_literals;
using rollbackd::testing::Loop;
using rollbackd::testing::TempFolder;
namespace asio = boost::asio;

namespace {

ProcessSpec shell(std::string script) {
    ProcessSpec spec;
    spec.argv = {"sh", "-c", std::move(script)};
    spec.timeout = 30s;
    return spec;
}

ProcessResult run(ProcessSpec spec) {
    Loop loop;
    auto result = loop.run(run_process(std::move(spec)));
    REQUIRE(result);
    return *result;
}

// A zombie is gone: when it is reaped is the business of whoever adopted it.
bool is_alive(int pid) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string line;
    if (!std::getline(stat, line)) return false;
    auto const state = line.rfind(')') + 2;
    return state < line.size() && line[state] != 'Z' && line[state] != 'X';
}

asio::awaitable<bool> wait_until_gone(int pid) {
    for (int i = 0; i < 2000 && is_alive(pid); ++i) co_await sleep_for(5ms);
    co_return !is_alive(pid);
}

}  // namespace

TEST_CASE("a program's exit status and both its outputs come back") {
    auto const result = run(shell("echo out; echo err >&2; exit 3"));
    CHECK(result.exit == 3);
    CHECK(result.output == "out\n");
    CHECK(result.errors == "err\n");
    CHECK(result.describe() == "exit 3");
}

TEST_CASE("a signal that ended a program is told from an exit") {
    auto const result = run(shell("kill -9 $$"));
    CHECK_FALSE(result.exit);
    CHECK(result.signal == SIGKILL);
    CHECK(result.describe() == "ended by signal 9");
}

TEST_CASE("merged outputs keep the order they were written in") {
    auto spec = shell("echo 1; echo 2 >&2; echo 3");
    spec.merge_errors = true;
    CHECK(run(spec).output == "1\n2\n3\n");
}

TEST_CASE("input is fed and a program that does not read it is no failure") {
    ProcessSpec spec;
    spec.argv = {"cat"};
    spec.input = "hello";
    CHECK(run(spec).output == "hello");
    spec.argv = {"true"};
    spec.input = std::string(1 << 20, 'x');
    CHECK(run(spec).exit == 0);
}

TEST_CASE("only the tail of a flood of output is kept, and the program is never blocked") {
    auto spec = shell("yes 0123456789 | head -c 20000000; echo end");
    spec.output_max = 1000;
    auto const result = run(spec);
    CHECK(result.exit == 0);
    CHECK(result.output_cut);
    CHECK(result.output.size() == 1000);
    CHECK(result.output.ends_with("end\n"));
}

TEST_CASE("a program past its timeout is stopped with its whole group") {
    auto spec = shell("sleep 1000 & echo $!; wait");
    spec.timeout = 100ms;
    auto const result = run(spec);
    CHECK(result.timed_out);
    CHECK(result.signal == SIGTERM);
    CHECK(result.describe() == "no end within 100ms: stopped");
    Loop loop;
    CHECK(loop.run(wait_until_gone(std::stoi(result.output))));
}

TEST_CASE("a program deaf to SIGTERM is killed after the grace") {
    auto spec = shell("trap '' TERM; echo ready; while :; do sleep 0.05; done");
    spec.timeout = 100ms;
    spec.grace = 50ms;
    auto const result = run(spec);
    CHECK(result.timed_out);
    CHECK(result.signal == SIGKILL);
}

TEST_CASE("a program that has left its process group is ended, too") {
    ProcessSpec spec;
    spec.argv = {"perl", "-e", "setpgrp(0, getpgrp(getppid)); sleep 1000"};
    spec.timeout = 500ms;
    auto const result = run(spec);
    CHECK(result.timed_out);
    CHECK(result.signal == SIGTERM);
    CHECK(result.stray == 0);
}

TEST_CASE("cancelling the waiting coroutine ends the program") {
    TempFolder const folder;
    Loop loop;
    auto spec = shell("echo $$ > pid.tmp; mv pid.tmp pid; exec sleep 1000");
    spec.cwd = folder.path();
    auto cancel = [](Loop& of, std::string pid_file) -> asio::awaitable<void> {
        while (!std::filesystem::exists(pid_file)) co_await sleep_for(5ms);
        of.group.cancel();
    };
    TaskGroup other(loop.executor());
    other.spawn("cancel", cancel(loop, folder.path("pid")));
    auto const result = loop.run(run_process(spec));
    REQUIRE_FALSE(result);
    CHECK(result.error().code == Errc::cancelled);
    Loop after;
    CHECK(after.run(wait_until_gone(std::stoi(folder.read("pid")))));
}

TEST_CASE("a background child that keeps the pipes open does not hold up the result") {
    auto const result = run(shell("sleep 3 & echo done"));
    CHECK(result.exit == 0);
    CHECK(result.output == "done\n");
    CHECK(result.took < 2s);
}

TEST_CASE("a child inherits no secret, no NOTIFY_SOCKET, no descriptor and no ignored signal") {
    ::setenv("NOTIFY_SOCKET", "/run/systemd/notify", 1);
    ::setenv("DB_PASSWORD", "hunter22", 1);
    auto spec = shell("env; grep SigIgn /proc/self/status; ls /proc/$$/fd | tr '\\n' ' '");
    spec.env["GREETING"] = "hello";
    auto const result = run(spec);
    ::unsetenv("NOTIFY_SOCKET");
    ::unsetenv("DB_PASSWORD");
    CHECK(result.output.find("NOTIFY_SOCKET") == std::string::npos);
    CHECK(result.output.find("hunter22") == std::string::npos);
    CHECK(result.output.find("GREETING=hello\n") != std::string::npos);
    CHECK(result.output.find(std::string("PATH=") + child_path + "\n") != std::string::npos);
    // The lowest 31 signals; the two above are glibc's own and nobody can reset them.
    auto const ignored = result.output.substr(result.output.find("SigIgn:\t") + 8, 16);
    CHECK((std::stoull(ignored, nullptr, 16) & 0x7fffffff) == 0);
    CHECK(result.output.ends_with("0 1 2 "));
}

TEST_CASE("what cannot be started says what is missing") {
    Loop loop;
    ProcessSpec spec;
    spec.argv = {"no-such-program-here"};
    CHECK(loop.run(run_process(spec)).error().code == Errc::not_found);
    spec.argv = {"/etc/passwd"};
    CHECK(loop.run(run_process(spec)).error().code == Errc::forbidden);
    spec.argv = {"true"};
    spec.cwd = "/no/such/folder";
    CHECK(loop.run(run_process(spec)).error().where == "/no/such/folder");
    spec.argv.clear();
    CHECK(loop.run(run_process(spec)).error().code == Errc::invalid);
}

TEST_CASE("a started child runs in a session of its own and can be waited for by anybody") {
    Loop loop;
    ProcessSpec spec;
    spec.argv = {"sleep", "1000"};
    spec.new_session = true;
    auto child = Child::start(loop.executor(), spec);
    REQUIRE(child);
    CHECK(::getsid(child->pid()) == child->pid());
    CHECK(loop.run(child->wait(1ms)).error().code == Errc::timeout);
    CHECK(loop.run(wait_for_exit(child->pid(), 1ms)).error().code == Errc::timeout);
    child->signal_group(SIGTERM);
    CHECK(loop.run(wait_for_exit(child->pid(), 10s)));
    auto const ended = loop.run(child->wait(10s));
    REQUIRE(ended);
    CHECK(ended->signal == SIGTERM);
}

TEST_CASE("of what never ends its head is kept where that is wanted, and the program ends") {
    auto spec = shell("while :; do echo line; done");
    spec.output_max = 1000;
    spec.keep_head = true;
    auto const result = run(std::move(spec));
    CHECK(result.output_cut);
    CHECK(result.output.size() == 1000);
    CHECK(result.output.starts_with("line\nline\n"));
    CHECK_FALSE(result.timed_out);
    CHECK_FALSE(result.ok());

    auto exact = shell("printf 12345");
    exact.output_max = 5;
    exact.keep_head = true;
    auto const whole = run(std::move(exact));
    CHECK(whole.output == "12345");
    CHECK_FALSE(whole.output_cut);
    CHECK(whole.ok());
}

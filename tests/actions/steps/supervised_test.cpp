#include "actions/steps/supervised.hpp"

#include "actions/steps/supervisor/step_files.hpp"
#include "tests/actions/steps/support/hands.hpp"
#include "tests/catch.hpp"

#include <sys/mount.h>
#include <sys/wait.h>

#include <csignal>
#include <filesystem>

using namespace rollbackd;
using namespace rollbackd::test;
namespace files = rollbackd::step_files;

namespace {

/// A process that is gone, as far as anybody may look.
bool is_gone(TempDir const& dir, std::string const& pid_file) {
    auto const text = dir.read(pid_file);
    return !text.empty() && !files::start_ticks_of(std::stoi(text));
}

int lines(std::string const& text) {
    return static_cast<int>(std::count(text.begin(), text.end(), '\n'));
}

files::ProcessMark claim_of(std::string const& directory) {
    auto const text = files::read_at(AT_FDCWD, (directory + "/claim").c_str());
    auto const mark = text ? files::decode_mark(*text) : std::nullopt;
    return mark.value_or(files::ProcessMark{});
}

}  // namespace

TEST_CASE("a process's exit, both streams and its own standard output are kept") {
    TempDir dir;
    auto const end = supervise(dir.path("s"), shell("echo out; echo err >&2; exit 3"));
    CHECK(end.kind == EndKind::exited);
    CHECK(end.exit == 3);
    CHECK(end.stdout_text == "out\n");
    CHECK(end.output.find("out\n") != std::string::npos);
    CHECK(end.output.find("err\n") != std::string::npos);
}

TEST_CASE("what cannot be started is known not to have been") {
    TempDir dir;
    SupervisedSpec spec;
    spec.argv = {"/nonexistent/program"};
    CHECK(supervise(dir.path("a"), spec).kind == EndKind::not_started);
    auto elsewhere = shell("true");
    elsewhere.cwd = "/nonexistent";
    auto const end = supervise(dir.path("b"), elsewhere);
    CHECK(end.kind == EndKind::not_started);
    CHECK(end.why.find("/nonexistent") != std::string::npos);
}

TEST_CASE("the child gets its input, a clean environment, a session, and no descriptor of ours") {
    TempDir dir;
    REQUIRE(setenv("ROLLBACKD_TEST_SECRET", "hunter2hunter2", 1) == 0);
    auto spec = shell("cat; env; ls /proc/self/fd | wc -l; ps -o sid= -p $$; echo $$");
    spec.input = "given";
    spec.env = {{"ADDED", "yes"}};
    auto const end = supervise(dir.path("s"), spec);
    unsetenv("ROLLBACKD_TEST_SECRET");
    CHECK(end.stdout_text.starts_with("given"));
    CHECK(end.stdout_text.find("ADDED=yes") != std::string::npos);
    CHECK(end.stdout_text.find("hunter2") == std::string::npos);
    CHECK(end.stdout_text.find("\n4\n") != std::string::npos);  // 0 1 2 and ls's own folder
    CHECK_FALSE(std::filesystem::exists(dir.path("s/input")));
    CHECK_FALSE(std::filesystem::exists(dir.path("s/spec")));
}

TEST_CASE("a flood of output neither blocks the process nor fills memory or disk") {
    TempDir dir;
    auto const end = supervise(
        dir.path("s"), shell("echo first; head -c 30000000 /dev/zero | tr '\\0' x; echo; echo last")
    );
    CHECK(end.exit == 0);
    CHECK(end.cut);
    CHECK(end.stdout_text.size() < 70'000);
    CHECK(end.stdout_text.starts_with("first\n"));
    CHECK(end.stdout_text.ends_with("\nlast\n"));
    CHECK(std::filesystem::file_size(dir.path("s/exit")) < 200'000);
}

TEST_CASE("at its timeout a process that ignores SIGTERM is ended all the same") {
    TempDir dir;
    auto spec =
        shell("echo $$ >" + dir.path("pid") + "; trap '' TERM; while :; do sleep 0.05; done");
    spec.timeout = std::chrono::milliseconds(200);
    auto const end = supervise(dir.path("s"), spec);
    CHECK(end.kind == EndKind::timed_out);
    CHECK(is_gone(dir, "pid"));
}

TEST_CASE("at its timeout what a step forked away is ended too, whatever it left") {
    TempDir dir;
    auto spec = shell(
        "setsid sh -c 'echo $$ >" + dir.path("away") +
        "; trap \"\" TERM HUP; while :; do sleep 0.05; done' </dev/null >/dev/null 2>&1 & sleep 30"
    );
    spec.timeout = std::chrono::milliseconds(400);
    CHECK(supervise(dir.path("s"), spec).kind == EndKind::timed_out);
    CHECK(is_gone(dir, "away"));
}

TEST_CASE("a step that ends by itself may leave a daemon behind, and is not held up by it") {
    TempDir dir;
    auto const end = supervise(
        dir.path("s"),
        shell(
            "setsid sh -c 'echo $$ >" + dir.path("away") + "; exec sleep 20' & while [ ! -s " +
            dir.path("away") + " ]; do sleep 0.01; done; echo done"
        )
    );
    CHECK(end.ok());
    CHECK_FALSE(is_gone(dir, "away"));
    kill(std::stoi(dir.read("away")), SIGKILL);
}

TEST_CASE("a directory runs one process, once: asking again answers the same end") {
    TempDir dir;
    auto const line = "echo x >>" + dir.path("marks") + "; exit 4";
    for (int i = 0; i < 3; ++i) CHECK(supervise(dir.path("s"), shell(line)).exit == 4);
    CHECK(lines(dir.read("marks")) == 1);
}

TEST_CASE("marks carry the boot id the daemon sees, which a sandbox may show differently") {
    TempDir dir;
    std::filesystem::create_directory(dir.path("s"));
    dir.write(
        "s/spec", files::encode(files::Pairs{
                      {"format", "1"}, {"boot", "as-seen"}, {"argv", "/bin/true"}, {"end", ""}
                  })
    );
    sh(supervisor_path() + " " + dir.path("s"));
    CHECK(claim_of(dir.path("s")).boot_id == "as-seen");
    CHECK(supervise(dir.path("t"), shell("true")).ok());
    CHECK(claim_of(dir.path("t")).boot_id == files::boot_id());
}

TEST_CASE("a second supervisor of the same step refuses") {
    TempDir dir;
    CHECK(supervise(dir.path("s"), shell("true")).ok());
    CHECK(sh("c=0; " + supervisor_path() + " " + dir.path("s") + " 2>&1 || c=$?; echo $c")
              .ends_with("already claimed\n3"));
    CHECK(
        sh("mkdir " + dir.path("empty") + "; c=0; " + supervisor_path() + " " + dir.path("empty") +
           " 2>/dev/null || c=$?; echo $c") == "2"
    );
}

TEST_CASE("a claim without an end and without a living process is lost, and is never run") {
    TempDir dir;
    auto const line = "echo x >>" + dir.path("marks");
    auto const claimed = [&](std::string const& name, std::string const& claim) {
        std::filesystem::create_directory(dir.path(name));
        dir.write(name + "/claim", claim);
        return supervise(dir.path(name), shell(line)).kind;
    };
    CHECK(claimed("empty", "") == EndKind::lost);
    CHECK(claimed("garbage", "no such format") == EndKind::lost);
    // Our own pid, but of another time or another boot: somebody else's process.
    files::ProcessMark mark{getpid(), 1, files::boot_id()};
    CHECK(claimed("other-start", files::encode(mark)) == EndKind::lost);
    mark.start_ticks = files::start_ticks_of(getpid()).value();
    mark.boot_id = "another-boot";
    CHECK(claimed("other-boot", files::encode(mark)) == EndKind::lost);
    CHECK_FALSE(dir.has("marks"));
}

TEST_CASE("a damaged exit record is lost, not guessed") {
    TempDir dir;
    std::filesystem::create_directory(dir.path("s"));
    dir.write("s/claim", "");
    dir.write("s/exit", "end 6\nexited\ncode 1\n");
    CHECK(supervise(dir.path("s"), shell("true")).kind == EndKind::lost);
}

TEST_CASE("a disk that is full by the end of a step does not lose the end") {
    TempDir dir;
    sh("mkdir " + dir.path("small"));
    if (geteuid() != 0 || mount("tmpfs", dir.path("small").c_str(), "tmpfs", 0, "size=1m") != 0) {
        WARN("SKIPPED_BECAUSE no small file system can be mounted here");
        return;
    }
    auto const fill = "dd if=/dev/zero of=" + dir.path("small/filler") + " 2>/dev/null; ";
    auto spec = shell(fill + "head -c 300000 /dev/zero | tr '\\0' y; exit 3");
    auto const end = supervise(dir.path("small/step"), spec);
    auto const later = supervise(dir.path("small/never"), shell("exit 0"));
    CHECK(umount(dir.path("small").c_str()) == 0);
    CHECK(end.kind == EndKind::exited);
    CHECK(end.exit == 3);
    CHECK(end.cut);
    // And where there is no room for its end, nothing is begun.
    CHECK(later.kind == EndKind::not_started);
}

TEST_CASE("an abort before the beginning keeps the process from being started") {
    TempDir dir;
    std::filesystem::create_directory(dir.path("s"));
    abort_supervised(dir.path("s"));
    CHECK(supervise(dir.path("s"), shell("echo x >" + dir.path("mark"))).kind == EndKind::aborted);
    CHECK_FALSE(dir.has("mark"));
}

TEST_CASE("kill -9 of the supervisor at any moment: never run twice, never called done wrongly") {
    TempDir dir;
    for (int i = 0; i < 30; ++i) {
        auto const name = "s" + std::to_string(i);
        auto const marks = dir.path(name + ".marks");
        auto const line = "echo x >>" + marks + "; sleep 0.02; echo y >>" + marks;
        auto const killer = fork();
        if (killer == 0) {
            // Waits for the claim, lets a moment pass that differs each time, kills its owner.
            for (int tries = 0; tries < 4000 && claim_of(dir.path(name)).pid == 0; ++tries) {
                let_pass(1);
            }
            let_pass(i % 15 * 3);
            auto const mark = claim_of(dir.path(name));
            if (mark.pid > 0 && files::is_alive(mark)) kill(mark.pid, SIGKILL);
            _exit(0);
        }
        auto const end = supervise(dir.path(name), shell(line));
        waitpid(killer, nullptr, 0);
        CAPTURE(i, end.describe());
        auto const done = lines(dir.read(name + ".marks"));
        CHECK((end.kind == EndKind::lost || end.ok()));
        if (end.ok()) CHECK(done == 2);
        // Whoever asks later gets the same answer, and what was cut off is not begun again.
        CHECK(supervise(dir.path(name), shell(line)).kind == end.kind);
        CHECK(lines(dir.read(name + ".marks")) == done);
        CHECK(done <= 2);
    }
}

TEST_CASE("kill -9 of the starter at any moment: the next life finds the step, which ran once") {
    TempDir dir;
    for (int i = 0; i < 30; ++i) {
        auto const name = "s" + std::to_string(i);
        auto const marks = dir.path(name + ".marks");
        auto const line = "echo x >>" + marks + "; sleep 0.05; echo y >>" + marks;
        auto const starter = fork();
        if (starter == 0) {
            supervise(dir.path(name), shell(line));
            _exit(0);
        }
        let_pass(i * 3);
        kill(starter, SIGKILL);
        waitpid(starter, nullptr, 0);
        auto const end = supervise(dir.path(name), shell(line));
        CAPTURE(i, end.describe());
        CHECK(end.ok());
        CHECK(dir.read(name + ".marks") == "x\ny\n");
    }
}

TEST_CASE("a child whose supervisor was killed is waited for before its end is called lost") {
    TempDir dir;
    auto const starter = fork();
    if (starter == 0) {
        supervise(
            dir.path("s"),
            shell("echo x >" + dir.path("begun") + "; sleep 0.3; echo x >" + dir.path("ended"))
        );
        _exit(0);
    }
    wait_until([&] { return dir.has("begun"); });
    kill(starter, SIGKILL);
    kill(claim_of(dir.path("s")).pid, SIGKILL);
    waitpid(starter, nullptr, 0);
    CHECK(supervise(dir.path("s"), shell("true")).kind == EndKind::lost);
    CHECK(dir.has("ended"));
}

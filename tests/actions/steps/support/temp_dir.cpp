#include "tests/actions/steps/support/temp_dir.hpp"

#include "tests/catch.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace rollbackd::test {

namespace {

/// As the daemon does in main: a program that does not read its input must not end us.
[[maybe_unused]] auto const sigpipe_before = std::signal(SIGPIPE, SIG_IGN);

}  // namespace

TempDir::TempDir() : path_("/tmp/rollbackd-hands-XXXXXX") {
    REQUIRE(mkdtemp(path_.data()) != nullptr);
}

TempDir::~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

void TempDir::write(std::string const& name, std::string const& content) const {
    std::ofstream(path(name), std::ios::binary) << content;
}

std::string TempDir::read(std::string const& name) const {
    std::ifstream file(path(name), std::ios::binary);
    std::stringstream out;
    out << file.rdbuf();
    return out.str();
}

bool TempDir::has(std::string const& name) const { return std::filesystem::exists(path(name)); }

std::string sh(std::string const& script, std::string const& cwd) {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    auto const pid = fork();
    if (pid == 0) {
        dup2(ends[1], 1);
        dup2(ends[1], 2);
        if (chdir(cwd.c_str()) != 0) _exit(126);
        execl("/bin/sh", "sh", "-ec", script.c_str(), nullptr);
        _exit(127);
    }
    close(ends[1]);
    std::string out;
    char buffer[4096];
    for (ssize_t count; (count = read(ends[0], buffer, sizeof buffer)) > 0;) {
        out.append(buffer, static_cast<std::size_t>(count));
    }
    close(ends[0]);
    int status = 0;
    waitpid(pid, &status, 0);
    INFO(script << "\n" << out);
    REQUIRE(status == 0);
    while (out.ends_with('\n')) out.pop_back();
    return out;
}

void let_pass(int ms) { (void)poll(nullptr, 0, ms); }

bool wait_step(int& left) {
    if (--left < 0) FAIL("waited ten seconds in vain");
    let_pass(5);
    return true;
}

}  // namespace rollbackd::test

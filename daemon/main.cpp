#include "daemon/app.hpp"
#include "daemon/remote_probe.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string_view>

namespace {

constexpr char const* usage =
    "usage: rollbackd [--config FILE] [--check] [--selftest] [--probe]\n"
    "  --config FILE  the policy (default /etc/rollbackd/rollbackd.yaml)\n"
    "  --check        check it and exit: 0 good (warnings allowed), 1 not\n"
    "  --selftest     check everything a start needs and exit\n"
    "  --probe        answer one signal's question for another machine (its `from`)\n"
    "  --version      print the version\n";

/// Each question may hold a descriptor; the usual 1024 are for programs that use select().
void allow_descriptors() {
    constexpr rlim_t wanted = 65'536;
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
    limit.rlim_cur = std::min(wanted, limit.rlim_max);
    (void)::setrlimit(RLIMIT_NOFILE, &limit);  // then it goes on with what it has
}

/// Without memory nobody can say how far a decision got in memory. The journal can: the next start
/// goes on from there, as after any crash. So this ends the process instead of throwing
/// std::bad_alloc.
void end_without_memory() {
    constexpr std::string_view said =
        "rollbackd: out of memory: ended, so that the next start goes on from the journal\n";
    (void)!::write(STDERR_FILENO, said.data(), said.size());
    std::abort();
}

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    rollbackd::AppOptions options{"/etc/rollbackd/rollbackd.yaml"};
    bool check = false;
    bool selftest = false;
    for (int i = 1; i < argc; ++i) {
        std::string_view const argument = argv[i];
        if (argument == "--config" && i + 1 < argc) {
            options.config_path = argv[++i];
        } else if (argument.starts_with("--config=")) {
            options.config_path = argument.substr(std::string_view("--config=").size());
        } else if (argument == "--check") {
            check = true;
        } else if (argument == "--selftest") {
            selftest = true;
        } else if (argument == "--probe") {
            return rollbackd::answer_probe();
        } else if (argument == "--version") {
            std::puts("rollbackd " ROLLBACKD_VERSION);
            return 0;
        } else if (argument == "--help" || argument == "-h") {
            std::fputs(usage, stdout);
            return 0;
        } else if (argument == "--config") {
            std::fprintf(stderr, "rollbackd: --config needs a FILE\n%s", usage);
            return 2;
        } else {
            std::fprintf(stderr, "rollbackd: unknown argument \"%s\"\n%s", argv[i], usage);
            return 2;
        }
    }
    if (check) return rollbackd::check_configuration(options.config_path);
    if (selftest) return rollbackd::self_test(options.config_path);
    allow_descriptors();
    std::set_new_handler(end_without_memory);
    return rollbackd::run_daemon(options);
}

#include "actions/steps/launcher.hpp"

#include "core/io/file.hpp"
#include "core/json.hpp"
#include "core/record.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

constexpr Duration systemd_timeout = std::chrono::seconds(10);
constexpr std::size_t cgroup_bytes_max = 16 * 1024;
constexpr std::string_view sandbox_properties =
    "--property=KillMode,ProtectSystem,ProtectHome,ReadWritePaths,NoNewPrivileges";

std::vector<std::string> unit_argv(std::string const& unit) {
    std::vector<std::string> argv{
        "systemd-run",
        "--quiet",
        "--collect",
        "--no-ask-password",
        "--service-type=exec",
        // Ending what it started is the supervisor's business; a daemon that a step leaves behind
        // on purpose lives on.
        "--property=KillMode=process",
        // A step that forks without end stops here, and not at what the machine has.
        "--property=TasksMax=" + std::to_string(Launcher::tasks_max),
        "--unit=" + unit,
    };
    // The system's manager would make it root's; it is to be no more than the daemon itself.
    if (geteuid() != 0) {
        argv.push_back("--uid=" + std::to_string(geteuid()));
        argv.push_back("--gid=" + std::to_string(getegid()));
    }
    argv.emplace_back("--");
    return argv;
}

std::string unit_of(std::string const& directory) {
    constexpr std::size_t digits = 16;
    return "rollbackd-step-" + sha256_hex(directory).substr(0, digits);
}

std::string last_line(std::string_view text) {
    while (text.ends_with('\n')) text.remove_suffix(1);
    return std::string(text.substr(text.rfind('\n') + 1));
}

/// The unit we are, from the last part of our control group; empty: none.
std::string own_unit() {
    auto const groups = read_file("/proc/self/cgroup", cgroup_bytes_max);
    if (!groups || std::getenv("INVOCATION_ID") == nullptr) return {};
    std::string_view rest = *groups;
    while (!rest.empty()) {
        auto const line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        auto const name = line.substr(line.rfind('/') + 1);
        if (name.ends_with(".service")) return std::string(name);
    }
    return {};
}

std::string own_user() { return geteuid() == 0 ? "root" : "user " + std::to_string(geteuid()); }

bool is_systemd_running() {
    struct stat status{};
    return ::stat("/run/systemd/system", &status) == 0;
}

std::string value_in(std::string_view shown, std::string_view key) {
    while (!shown.empty()) {
        auto const line = shown.substr(0, shown.find('\n'));
        shown.remove_prefix(std::min(shown.size(), line.size() + 1));
        if (line.starts_with(key) && line.substr(key.size()).starts_with('=')) {
            return std::string(line.substr(key.size() + 1));
        }
    }
    return {};
}

}  // namespace

std::string sandbox_warnings(std::string_view shown, std::string_view unit) {
    std::string out;
    auto const warn = [&](std::string const& text) { out += "; " + text; };
    auto const kill_mode = value_in(shown, "KillMode");
    if (kill_mode == "control-group" || kill_mode == "mixed") {
        warn(
            "KillMode=" + kill_mode +
            " ends running steps with the daemon: set KillMode=process in " + std::string(unit)
        );
    }
    if (auto const system = value_in(shown, "ProtectSystem");
        system == "strict" || system == "full") {
        auto const writable = value_in(shown, "ReadWritePaths");
        warn(
            "ProtectSystem=" + system + " lets git_checkout, git_revert and file_edit write only " +
            (writable.empty() ? "where the unit allows it (no ReadWritePaths=)"
                              : "below " + writable)
        );
    }
    if (auto const home = value_in(shown, "ProtectHome"); home != "no" && !home.empty()) {
        warn("ProtectHome=" + home + " hides or write-protects /home, ssh keys there included");
    }
    if (value_in(shown, "NoNewPrivileges") == "yes") {
        warn("NoNewPrivileges=yes makes sudo fail in steps");
    }
    return out;
}

Launcher::Launcher(asio::any_io_executor executor, std::string supervisor, bool use_systemd)
    : executor_(std::move(executor)),
      supervisor_(std::move(supervisor)),
      use_systemd_(use_systemd) {}

asio::awaitable<std::string> Launcher::probe() {
    auto const unit = own_unit();
    if (!use_systemd_ || unit.empty() || !is_systemd_running()) {
        co_return "steps run in sessions of their own as " + own_user() + " and outlive the daemon";
    }
    ProcessSpec test;
    test.argv = unit_argv(unit_of(unit + " probe " + std::to_string(getpid())));
    test.argv.insert(test.argv.begin() + 1, "--wait");
    test.argv.emplace_back("/bin/true");
    test.timeout = systemd_timeout;
    auto const tested = co_await run_process(std::move(test));
    if (tested && tested->ok()) {
        through_systemd_ = true;
        co_return "steps run as transient units of systemd as " + own_user() +
            ", outside the daemon's sandbox, and outlive the daemon";
    }
    auto const why =
        tested ? tested->describe() + ": " + last_line(tested->errors) : to_string(tested.error());
    ProcessSpec show;
    show.argv = {"systemctl", "show", std::string(sandbox_properties), "--", unit};
    show.timeout = systemd_timeout;
    auto const shown = co_await run_process(std::move(show));
    auto const settings = shown ? shown->output : std::string();
    co_return "steps run inside " + unit + " and its sandbox as " + own_user() +
        ", because systemd-run failed (" + why + "); allow it by polkit (manage-units)" +
        sandbox_warnings(settings, unit);
}

asio::awaitable<Result<std::optional<Child>>> Launcher::start(std::string directory) {
    if (through_systemd_) co_return co_await start_unit(std::move(directory));
    ProcessSpec spec;
    spec.argv = {supervisor_, std::move(directory)};
    spec.new_session = true;
    auto child = Child::start(executor_, spec);
    if (!child) co_return tl::unexpected<Error>(child.error());
    co_return std::optional<Child>(std::move(*child));
}

asio::awaitable<Result<std::optional<Child>>> Launcher::start_unit(std::string directory) {
    ProcessSpec spec;
    spec.argv = unit_argv(unit_of(directory));
    spec.argv.push_back(supervisor_);
    spec.argv.push_back(std::move(directory));
    spec.timeout = systemd_timeout;
    auto const result = co_await run_process(std::move(spec));
    if (!result) co_return tl::unexpected<Error>(result.error());
    if (!result->ok()) {
        co_return fail(
            Errc::unavailable, result->describe() + ": " + last_line(result->errors), "systemd-run"
        );
    }
    co_return std::optional<Child>();
}

}  // namespace rollbackd

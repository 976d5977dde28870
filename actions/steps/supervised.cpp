#include "actions/steps/supervised.hpp"

#include "actions/steps/file_watch.hpp"
#include "actions/steps/supervisor/step_files.hpp"
#include "core/io/file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

namespace rollbackd {

namespace asio = boost::asio;
namespace files = step_files;

namespace {

/// How long a supervisor that systemd has started may take to write its claim.
constexpr Duration claim_max = std::chrono::seconds(10);
/// The same where systemd-run failed: perhaps only because an earlier life's unit is still there.
constexpr Duration claim_max_after_failure = std::chrono::seconds(1);
/// What is granted beyond timeout and grace: the last signals, the last sync.
constexpr Duration slack = std::chrono::seconds(15);
constexpr int looks_max = 1000;

long long to_ms(Duration duration) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

std::optional<files::Pairs> read_pairs(std::string const& directory, char const* name) {
    auto const text = files::read_at(AT_FDCWD, (directory + "/" + name).c_str());
    return text ? files::decode(*text) : std::nullopt;
}

bool has_file(std::string const& directory, char const* name) {
    return ::access((directory + "/" + name).c_str(), F_OK) == 0;
}

std::optional<files::ProcessMark> read_mark(std::string const& directory, char const* name) {
    auto const text = files::read_at(AT_FDCWD, (directory + "/" + name).c_str());
    return text ? files::decode_mark(*text) : std::nullopt;
}

EndKind kind_of(std::string const& end) {
    if (end == "exited") return EndKind::exited;
    if (end == "signalled") return EndKind::signalled;
    if (end == "terminated") return EndKind::terminated;
    if (end == "timeout") return EndKind::timed_out;
    if (end == "aborted") return EndKind::aborted;
    if (end == "not_started") return EndKind::not_started;
    return EndKind::lost;
}

char const* name_of(EndKind kind) {
    switch (kind) {
        case EndKind::exited:
            return "exited";
        case EndKind::signalled:
            return "signalled";
        case EndKind::terminated:
            return "terminated";
        case EndKind::timed_out:
            return "timeout";
        case EndKind::aborted:
            return "aborted";
        case EndKind::not_started:
            return "not_started";
        case EndKind::lost:
        case EndKind::cancelled:
            break;
    }
    return "lost";
}

SupervisedEnd ended(EndKind kind, std::string why) {
    SupervisedEnd end;
    end.kind = kind;
    end.why = std::move(why);
    return end;
}

std::optional<SupervisedEnd> read_end(std::string const& directory) {
    auto const pairs = read_pairs(directory, files::exit_name);
    if (!pairs) {
        // It is renamed into place whole: one that cannot be read has been damaged since.
        if (!has_file(directory, files::exit_name)) return std::nullopt;
        return ended(EndKind::lost, "its exit record cannot be read");
    }
    auto end = ended(kind_of(files::value_of(*pairs, "end")), files::value_of(*pairs, "why"));
    if (auto const code = files::number_of(*pairs, "code")) end.exit = static_cast<int>(*code);
    end.signal = static_cast<int>(files::number_of(*pairs, "signal").value_or(0));
    end.cut = files::value_of(*pairs, "cut") == "1";
    end.stdout_text = files::value_of(*pairs, "stdout");
    end.output = files::value_of(*pairs, "output");
    return end;
}

bool sync_names(std::string const& directory) {
    int const folder = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool const synced = folder >= 0 && files::sync_up(folder);
    if (folder >= 0) ::close(folder);
    return synced;
}

Result<void> claim_inline(std::string const& directory, std::string const& mark) {
    auto const path = directory + "/" + files::claim_name;
    if (auto claimed = create_file_exclusively(path, mark); !claimed) return claimed;
    if (sync_names(directory)) return {};
    return fail(Errc::io, "its claim cannot be made durable", directory);
}

/// Written whole and renamed: a supervisor of an earlier life may just be reading the old one. No
/// sync: without a claim it is written anew.
Result<void> write_plain(std::string const& directory, char const* name, std::string_view content) {
    auto const path = directory + "/" + name;
    auto const temporary = path + ".new";
    int const file =
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool good = file >= 0;
    while (good && !content.empty()) {
        auto const count = ::write(file, content.data(), content.size());
        if (count < 0 && errno == EINTR) continue;
        good = count > 0;
        if (good) content.remove_prefix(static_cast<std::size_t>(count));
    }
    if (file >= 0) good = ::close(file) == 0 && good;
    if (good) good = ::rename(temporary.c_str(), path.c_str()) == 0;
    if (!good) return fail(Errc::io, std::string("cannot write: ") + std::strerror(errno), path);
    return {};
}

Result<void> write_spec(std::string const& directory, SupervisedSpec const& spec) {
    files::Pairs pairs{{"format", "1"}, {"boot", files::boot_id()}};
    for (auto const& argument : spec.argv) pairs.emplace_back("argv", argument);
    for (auto const& entry : clean_environment(spec.env)) pairs.emplace_back("env", entry);
    pairs.emplace_back("cwd", spec.cwd);
    pairs.emplace_back("timeout_ms", std::to_string(to_ms(spec.timeout)));
    pairs.emplace_back("grace_ms", std::to_string(to_ms(spec.grace)));
    pairs.emplace_back("output_max", std::to_string(spec.output_max));
    pairs.emplace_back("input", spec.input ? "1" : "0");
    pairs.emplace_back("end", "");
    if (spec.input) {
        if (auto written = write_plain(directory, files::input_name, *spec.input); !written) {
            return written;
        }
    }
    return write_plain(directory, files::spec_name, files::encode(pairs));
}

/// What the directory says now.
struct Look {
    std::optional<SupervisedEnd> end;
    bool claimed = false;
    std::optional<int> alive;  // pid to wait for: the supervisor, or the child it left behind
};

Look look_at(std::string const& directory) {
    Look look;
    look.claimed = has_file(directory, files::claim_name);
    auto const claim = read_mark(directory, files::claim_name);
    auto const child = read_mark(directory, files::child_name);
    if (claim && files::is_alive(*claim)) {
        look.alive = claim->pid;
    } else if (child && files::is_alive(*child)) {
        look.alive = child->pid;
    }
    // Last: a supervisor that was alive may have written it meanwhile; one that was dead has not.
    look.end = read_end(directory);
    return look;
}

/// Starts the supervisor and waits until it has ended or at least begun. Empty: look again.
/// `gave_up`: we told it to end ourselves, since it was late.
asio::awaitable<std::optional<SupervisedEnd>> start(
    Launcher& launcher, std::string directory, SupervisedSpec const& spec, bool& gave_up
) {
    if (auto const written = write_spec(directory, spec); !written) {
        co_return ended(EndKind::not_started, to_string(written.error()));
    }
    auto started = co_await launcher.start(directory);
    bool const tried = started.has_value();
    if (tried && *started) {
        auto const waited = co_await (*started)->wait(spec.timeout + spec.grace + slack);
        if (!waited && waited.error().code == Errc::cancelled) {
            co_return ended(EndKind::cancelled, "");
        }
        if (has_file(directory, files::claim_name)) co_return std::nullopt;
        auto const why = waited ? waited->describe() : to_string(waited.error());
        co_return ended(EndKind::not_started, "its supervisor did not begin: " + why);
    }
    auto limit = claim_max;
    if (!tried) limit = claim_max_after_failure;
    auto const claimed = co_await wait_for_file(directory, files::claim_name, limit);
    if (claimed) co_return std::nullopt;
    if (claimed.error().code == Errc::cancelled) co_return ended(EndKind::cancelled, "");
    // A supervisor that is only late finds this and ends at once, without having begun.
    gave_up = true;
    abort_supervised(directory);
    if (has_file(directory, files::claim_name)) co_return std::nullopt;
    auto const why = tried ? "it wrote no claim" : to_string(started.error());
    co_return ended(EndKind::not_started, "its supervisor did not begin: " + why);
}

}  // namespace

Result<void> make_step_directory(std::string const& directory) {
    if (::access(directory.c_str(), F_OK) == 0) return {};
    auto const parent = directory.substr(0, directory.rfind('/'));
    if (!parent.empty()) {
        if (auto made = make_step_directory(parent); !made) return made;
    }
    if (::mkdir(directory.c_str(), 0700) == 0 || errno == EEXIST) return {};
    return fail(Errc::io, std::string("cannot make: ") + std::strerror(errno), directory);
}

std::string SupervisedEnd::describe() const {
    switch (kind) {
        case EndKind::exited:
            return "exit " + std::to_string(exit.value_or(0));
        case EndKind::signalled:
            return "ended by signal " + std::to_string(signal);
        case EndKind::terminated:
            return "ended from outside, with its supervisor";
        case EndKind::timed_out:
            return "no end within " + format_human(limit) + ": stopped";
        case EndKind::aborted:
            return "aborted";
        case EndKind::not_started:
            return "not started: " + why;
        case EndKind::lost:
            return "it was started, but how it ended is lost: " + why;
        case EndKind::cancelled:
            break;
    }
    return "still running";
}

asio::awaitable<SupervisedEnd> run_supervised(
    Launcher& launcher, std::string directory, SupervisedSpec spec
) {
    if (auto const made = make_step_directory(directory); !made) {
        co_return ended(EndKind::not_started, to_string(made.error()));
    }
    bool gave_up = false;
    for (int i = 0; i < looks_max; ++i) {
        auto look = look_at(directory);
        if (look.end) {
            // No person's abort: it was late, and perhaps it had begun after all.
            bool const ours = gave_up && look.end->kind == EndKind::aborted;
            bool const never = ours && !look.end->why.empty();
            if (ours) look.end->kind = never ? EndKind::not_started : EndKind::lost;
            if (ours) look.end->why = "its supervisor began too late and was told to end";
            look.end->limit = spec.timeout;
            co_return std::move(*look.end);
        }
        if (!look.claimed) {
            auto end = co_await start(launcher, directory, spec, gave_up);
            if (end) co_return std::move(*end);
        } else if (look.alive) {
            auto const limit = spec.timeout + spec.grace + slack;
            auto const gone = co_await wait_for_exit(*look.alive, limit);
            if (!gone && gone.error().code == Errc::cancelled) {
                co_return ended(EndKind::cancelled, "");
            }
            if (!gone) co_return ended(EndKind::lost, to_string(gone.error()));
        } else {
            co_return ended(EndKind::lost, "its supervisor was killed");
        }
    }
    co_return ended(EndKind::lost, "its supervisor cannot be followed");
}

void abort_supervised(std::string const& directory) {
    // The file is what counts: it is heard now, and found by a supervisor that has yet to begin.
    (void)write_plain(directory, files::abort_name, "");
    auto const claim = read_mark(directory, files::claim_name);
    if (claim && files::is_alive(*claim)) {
        // What this process does itself (begin_inline) is ended by whoever does it.
        sigval value{};
        value.sival_int = files::abort_value;
        if (claim->pid != ::getpid()) (void)::sigqueue(claim->pid, SIGTERM, value);
        return;
    }
    auto const child = read_mark(directory, files::child_name);
    if (claim && child && files::is_alive(*child)) (void)::kill(-child->pid, SIGKILL);
}

asio::awaitable<std::optional<SupervisedEnd>> begin_inline(
    Launcher& launcher, std::string directory
) {
    if (auto const made = make_step_directory(directory); !made) {
        co_return ended(EndKind::not_started, to_string(made.error()));
    }
    if (has_file(directory, files::abort_name)) co_return ended(EndKind::aborted, "");
    auto const self = ::getpid();
    files::ProcessMark const mark{self, files::start_ticks_of(self).value_or(0), files::boot_id()};
    auto claim = [directory, text = files::encode(mark)] { return claim_inline(directory, text); };
    auto const claimed = co_await run_blocking(launcher.disk(), std::move(claim));
    // An abort that came meanwhile was told nobody: nothing was under way yet.
    if (claimed && has_file(directory, files::abort_name)) co_return ended(EndKind::aborted, "");
    if (claimed) co_return std::nullopt;
    if (claimed.error().code == Errc::cancelled) co_return ended(EndKind::cancelled, "");
    if (claimed.error().code != Errc::conflict) {
        co_return ended(EndKind::not_started, to_string(claimed.error()));
    }
    auto end = read_end(directory);
    if (end) co_return end;
    co_return ended(EndKind::lost, "the daemon ended while it was under way");
}

asio::awaitable<Result<void>> end_inline(
    Launcher& launcher, std::string directory, SupervisedEnd end, bool stopping
) {
    files::Pairs pairs{{"end", name_of(end.kind)}, {"why", end.why}};
    if (end.exit) pairs.emplace_back("code", std::to_string(*end.exit));
    pairs.emplace_back("cut", end.cut ? "1" : "0");
    pairs.emplace_back("stdout", end.stdout_text);
    pairs.emplace_back("output", end.output);
    auto write = [path = directory + "/" + files::exit_name, text = files::encode(pairs)] {
        return write_file_atomically(path, text, 0600);
    };
    if (stopping) co_return write();
    co_return co_await run_blocking(launcher.disk(), std::move(write));
}

}  // namespace rollbackd

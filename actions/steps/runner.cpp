#include "actions/steps/runner.hpp"

#include "actions/steps/descriptor.hpp"
#include "actions/steps/registry.hpp"
#include "actions/steps/supervisor/step_files.hpp"
#include "actions/steps/words.hpp"
#include "core/io/clock.hpp"
#include "core/io/deadline.hpp"
#include "core/io/secrets.hpp"

#include <unistd.h>

#include <filesystem>
#include <functional>
#include <list>

namespace rollbackd {

namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

constexpr Duration question_max = std::chrono::seconds(30);
constexpr Duration preflight_max = std::chrono::milliseconds(1800);
constexpr char const* scratch = "scratch";  // questions that belong to no run

/// Ids come from the engine, but a file name must not depend on that.
std::string file_name(std::string_view id) {
    std::string out;
    for (char const c : id) {
        bool const plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '_';
        out += plain ? c : '_';
    }
    return out;
}

/// "RUN-3" of "RUN-3.1.0"; empty: not the name of a step's directory.
std::string run_of(std::string const& name) {
    auto const last = name.rfind('.');
    auto const before = last == std::string::npos || last == 0 ? last : name.rfind('.', last - 1);
    if (before == std::string::npos || before == 0 || before + 1 == last) return {};
    auto const number = std::string_view(name).substr(before + 1, last - before - 1);
    if (number.find_first_not_of("0123456789") != std::string_view::npos) return {};
    return name.substr(0, before);
}

Result<std::string> find_supervisor(std::string given) {
    std::error_code code;
    auto const self = fs::read_symlink("/proc/self/exe", code).parent_path();
    std::vector<std::string> places{
        (self / "rollbackd-step").string(), (self / "../libexec/rollbackd/rollbackd-step").string()
    };
    if (!given.empty()) places = {std::move(given)};
    for (auto const& place : places) {
        if (::access(place.c_str(), X_OK) == 0) return place;
    }
    return fail(
        Errc::not_found, "the supervisor of steps is not there; reinstall rollbackd", places.front()
    );
}

/// What the process that wrote last of all those of a step has written, from a line's beginning.
std::string newest_live(std::string const& run_dir, std::string const& prefix) {
    fs::path newest;
    fs::file_time_type when = fs::file_time_type::min();
    std::error_code ignored;  // a step that ends meanwhile takes its folder along
    auto const look = [&](fs::path const& folder) {
        auto const file = folder / step_files::live_name;
        auto const written = fs::last_write_time(file, ignored);
        if (ignored || written < when) return;
        newest = file;
        when = written;
    };
    for (auto const& entry : fs::directory_iterator(run_dir, ignored)) {
        if (!entry.path().filename().string().starts_with(prefix)) continue;
        look(entry.path());
        std::error_code gone;
        for (auto const& inner : fs::directory_iterator(entry.path(), gone)) look(inner.path());
    }
    auto const pairs =
        step_files::decode(step_files::read_at(AT_FDCWD, newest.c_str()).value_or(std::string()));
    // Written over in place: what was read in the middle of that does not fit together.
    bool const whole = pairs && pairs->size() == 3 && pairs->front().second == pairs->back().second;
    if (!whole) return {};
    auto text = step_files::value_of(*pairs, "tail");
    bool const cut =
        step_files::number_of(*pairs, "total").value_or(0) > static_cast<long long>(text.size());
    if (cut) text.erase(0, text.find_first_of("\r\n") + 1);
    return text;
}

class Runner final : public StepRunner {
public:
    Runner(RunnerParts parts, RunnerOptions options, std::string supervisor)
        : parts_(parts),
          folder_(std::move(options.folder)),
          run_dir_(folder_->path),
          hosts_(std::move(options.hosts)),
          stop_patience_(options.stop_patience),
          launcher_(parts.executor, std::move(supervisor), options.use_systemd) {}

    asio::awaitable<StepOutcome> run(StepRequest request) override;
    asio::awaitable<StepOutcome> settle(std::string run, std::uint32_t n, Step step) override;
    void abort(std::string const& run, std::uint32_t n) override;
    asio::awaitable<CheckResult> check(CheckRequest request) override;
    asio::awaitable<Look> preflight(Step step) override;
    std::string dry_run(Step const& step) const override;
    std::string output(std::string const& run, std::uint32_t n) const override;
    asio::awaitable<std::string> where_steps_run() override { return launcher_.probe(); }
    void set_hosts(std::vector<HostPolicy> hosts) override { hosts_ = std::move(hosts); }
    void forget_step(std::string const& run, std::uint32_t n) override;
    void forget(std::string const& run) override;
    void forget_all_but(std::set<std::string> const& runs) override;

private:
    struct Active {
        std::string prefix;
        StepJob* job;
    };

    Result<StepJob> job_for(Step step, std::string directory);
    std::string directory_of(std::string const& run, std::uint32_t n, std::string const& last)
        const {
        return run_dir_ + "/" + prefix_of(run, n) + last;
    }
    static std::string prefix_of(std::string const& run, std::uint32_t n) {
        return file_name(run) + "." + std::to_string(n) + ".";
    }
    void remove_directories(std::function<bool(std::string const& name)> const& which) const;
    std::string scratch_directory() {
        return run_dir_ + "/" + scratch + "." + std::to_string(::getpid()) + "." +
               std::to_string(++questions_);
    }

    RunnerParts parts_;
    std::shared_ptr<StepFolder const> folder_;
    std::string run_dir_;
    std::vector<HostPolicy> hosts_;
    Duration stop_patience_;
    Launcher launcher_;
    std::list<Active> active_;
    unsigned long long questions_ = 0;
};

void remove_directory(std::string const& directory) {
    std::error_code ignored;  // what is left over is in the way of nobody
    fs::remove_all(directory, ignored);
}

Result<StepJob> Runner::job_for(Step step, std::string directory) {
    std::optional<HostPolicy> host;
    if (!step.host.empty()) {
        auto const found = std::find_if(hosts_.begin(), hosts_.end(), [&](HostPolicy const& known) {
            return known.name == step.host;
        });
        if (found == hosts_.end()) {
            return fail(Errc::not_found, "no such host in `hosts`", step.host);
        }
        host = *found;
    }
    JobParts const parts{parts_.executor, launcher_,      parts_.http, parts_.secrets,
                         parts_.clock,    stop_patience_, hosts_};
    return StepJob::create(parts, std::move(step), std::move(host), std::move(directory));
}

asio::awaitable<StepOutcome> Runner::run(StepRequest request) {
    auto const* const type = find_step_type(request.step.type);
    if (type == nullptr || type->run == nullptr) {
        co_return outcome_of(OutcomeKind::failed, request.step.type + ": not for the hands");
    }
    auto const directory = directory_of(request.run, request.n, std::to_string(request.attempt));
    auto job = job_for(std::move(request.step), directory);
    if (!job) co_return outcome_of(OutcomeKind::failed, to_string(job.error()));
    if (auto const made = make_step_directory(directory); !made) {
        co_return outcome_of(OutcomeKind::failed, to_string(made.error()));
    }
    job->was_begun_before(request.spent);
    auto const place =
        active_.insert(active_.end(), Active{prefix_of(request.run, request.n), &*job});
    auto outcome = co_await type->run(*job);
    active_.erase(place);
    outcome.as_of = job->as_of();
    outcome.abort_asked = outcome.kind == OutcomeKind::aborted || job->is_aborted();
    co_return outcome;
}

asio::awaitable<StepOutcome> Runner::settle(std::string run, std::uint32_t n, Step step) {
    auto const* const type = find_step_type(step.type);
    step.timeout = std::clamp<Duration>(step.timeout, std::chrono::seconds(1), question_max);
    auto const directory = directory_of(run, n, "settle" + std::to_string(++questions_));
    auto job = job_for(std::move(step), directory);
    if (!job) co_return outcome_of(OutcomeKind::unknown, to_string(job.error()));
    StepOutcome outcome =
        outcome_of(OutcomeKind::unknown, "nothing can tell whether it took effect");
    if (!job->step().check.empty()) {
        Command command;
        command.argv = job->step().check;
        auto const end = co_await job->ask(std::move(command));
        outcome = settled(end);
    } else if (type != nullptr && type->settle != nullptr) {
        outcome = co_await type->settle(*job);
        outcome.as_of = job->as_of();
    }
    if (outcome.kind == OutcomeKind::unknown && job->step().idempotent &&
        job->step().check.empty()) {
        outcome.kind = OutcomeKind::failed;
        outcome.text += "; it is idempotent, so it may be run again";
    }
    outcome.abort_asked = outcome.kind == OutcomeKind::aborted || job->is_aborted();
    remove_directory(directory);
    co_return outcome;
}

void Runner::abort(std::string const& run, std::uint32_t n) {
    auto const prefix = prefix_of(run, n);
    std::error_code ignored;  // a folder that goes away meanwhile has nothing left to abort
    for (auto const& entry : fs::directory_iterator(run_dir_, ignored)) {
        if (!entry.path().filename().string().starts_with(prefix)) continue;
        // The step's own mark first: it keeps its next process from being started.
        abort_supervised(entry.path());
        for (auto const& inner : fs::directory_iterator(entry.path(), ignored)) {
            if (inner.is_directory(ignored)) abort_supervised(inner.path());
        }
    }
    for (auto const& active : active_) {
        if (active.prefix == prefix) active.job->abort();
    }
}

asio::awaitable<CheckResult> Runner::check(CheckRequest request) {
    Step step;
    step.params["argv"] = to_json(request.argv);
    step.host = request.from;
    step.timeout = request.limit > Duration::zero() ? request.limit : question_max;
    auto const directory = scratch_directory();
    auto job = job_for(std::move(step), directory);
    if (!job) co_return CheckResult{false, to_string(job.error())};
    Command command;
    command.argv = job->list("argv");
    auto const end = co_await job->ask(std::move(command));
    remove_directory(directory);
    co_return CheckResult{end.ok(), job->outcome(end).text};
}

asio::awaitable<Look> Runner::preflight(Step step) {
    Look out;
    auto const* const type = find_step_type(step.type);
    if (type == nullptr) out.objection = never(step.type + ": no such type of step");
    if (type == nullptr) co_return out;
    step.timeout = preflight_max;
    auto const directory = scratch_directory();
    auto job = job_for(std::move(step), directory);
    if (!job) out.objection = never(to_string(job.error()));
    if (!job || type->preflight == nullptr) co_return out;
    out.objection = co_await type->preflight(*job);
    out.as_of = job->as_of();
    remove_directory(directory);
    co_return out;
}

std::string Runner::dry_run(Step const& step) const {
    auto const* const type = find_step_type(step.type);
    if (type == nullptr) return step.type + ": no such type of step";
    auto text = type->dry_run(step);
    if (!step.host.empty()) text += " on " + step.host;
    return parts_.secrets.redact(text);
}

/// A few stats and one small file that was just written: no work for another thread.
std::string Runner::output(std::string const& run, std::uint32_t n) const {
    auto const text = newest_live(run_dir_, prefix_of(run, n));
    // Only what ends in a line's end is whole; a secret cut in two would not be known.
    auto const end = text.find_last_of("\r\n");
    if (end == std::string::npos) return {};
    return parts_.secrets.redact(std::string_view(text).substr(0, end + 1));
}

void Runner::remove_directories(std::function<bool(std::string const& name)> const& which) const {
    std::error_code ignored;  // removed by hand: then there is nothing to forget
    std::vector<std::string> gone;
    for (auto const& entry : fs::directory_iterator(run_dir_, ignored)) {
        if (which(entry.path().filename().string())) gone.push_back(entry.path());
    }
    for (auto const& directory : gone) remove_directory(directory);
}

void Runner::forget_step(std::string const& run, std::uint32_t n) {
    auto const prefix = prefix_of(run, n);
    remove_directories([&](std::string const& name) { return name.starts_with(prefix); });
}

void Runner::forget(std::string const& run) {
    auto const prefix = file_name(run) + ".";
    remove_directories([&](std::string const& name) { return name.starts_with(prefix); });
}

void Runner::forget_all_but(std::set<std::string> const& runs) {
    std::set<std::string> kept;
    for (auto const& run : runs) kept.insert(file_name(run));
    remove_directories([&](std::string const& name) {
        auto const run = run_of(name);
        return !run.empty() && !kept.contains(run);
    });
}

}  // namespace

Result<std::unique_ptr<StepRunner>> create_step_runner(RunnerParts parts, RunnerOptions options) {
    auto supervisor = find_supervisor(std::move(options.supervisor));
    if (!supervisor) return tl::unexpected<Error>(supervisor.error());
    if (!options.folder) {
        auto folder = open_step_folder(options.run_dir);
        if (!folder) return tl::unexpected<Error>(folder.error());
        options.folder = *std::move(folder);
    }
    std::error_code code;
    // Questions of an earlier life; nobody waits for their answers any more.
    for (auto const& entry : fs::directory_iterator(options.folder->path, code)) {
        if (entry.path().filename().string().starts_with(std::string(scratch) + ".")) {
            remove_directory(entry.path());
        }
    }
    return std::make_unique<Runner>(parts, std::move(options), std::move(*supervisor));
}

}  // namespace rollbackd

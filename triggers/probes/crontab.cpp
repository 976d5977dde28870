// crontab: a scheduled job exists, and ran and succeeded. A state, of a cron line or of a systemd
// timer; with `measure: age` a gauge: seconds since its last run. Cron itself remembers no run:
// `ran` names a file that the job touches. Lines may hold secrets, so none is shown.
#include "core/io/clock.hpp"
#include "core/io/file.hpp"
#include "triggers/probes/cron_lines.hpp"
#include "triggers/probes/expressions.hpp"
#include "triggers/probes/host_file.hpp"
#include "triggers/probes/place.hpp"
#include "triggers/probes/types.hpp"
#include "triggers/probes/unit_state.hpp"

#include <algorithm>
#include <filesystem>

namespace rollbackd {

namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

TypeInfo crontab_info() {
    TypeInfo info;
    info.name = "crontab";
    info.doc =
        "A job of cron or a systemd timer: it is scheduled, ran in time, and succeeded. A state; "
        "with measure a gauge.";
    info.is_probe = true;
    info.fields = {
        {.name = "match",
         .type = FieldType::text,
         .doc = "RE2 expression that is found in the job's line of a crontab."},
        {.name = "timer", .type = FieldType::text, .doc = "Name of a systemd timer: backup.timer."},
        {.name = "paths",
         .type = FieldType::text_list,
         .doc = "Crontabs, or folders of them; absent: /etc/crontab, /etc/cron.d and "
                "/var/spool/cron/crontabs."},
        {.name = "ran",
         .type = FieldType::path,
         .doc = "File of a cron job's last run: its last change is when that was."},
        {.name = "within",
         .type = FieldType::duration,
         .doc = "The last run must not be longer ago."},
        {.name = "measure",
         .type = FieldType::choice,
         .doc = "age: seconds since the last run.",
         .choices = {"age"}},
    };
    info.one_of = {{"match", "timer"}};
    return info;
}

std::vector<Error> check_crontab(JsonObject const& params) {
    Json const all(params);
    if (auto const made = expression_of(all, "match"); !made) return {made.error()};
    bool const timer = params.contains("timer");
    if (timer && !text_of(all, "timer").ends_with(".timer")) {
        return {Error{Errc::invalid, "a timer's name ends with .timer", "timer"}};
    }
    if (timer && (params.contains("ran") || params.contains("paths"))) {
        return {Error{
            Errc::invalid, "ran and paths are of cron's jobs; a timer knows its last run", "timer"
        }};
    }
    bool const asks = params.contains("within") || is_measured(params);
    if (timer || !asks || params.contains("ran")) return {};
    return {Error{
        Errc::invalid, "cron remembers no run: name the file that the job touches with ran",
        params.contains("within") ? "within" : "measure"
    }};
}

constexpr std::size_t crontabs_max = 1000;

/// Whether any crontab has the job. Unreadable ones are an Error only where none of the others has
/// it: it may stand there.
Result<bool> find_job(std::vector<std::string> const& paths, Expression const& match) {
    std::optional<Error> problem;
    std::vector<std::string> files;
    for (auto const& path : paths) {
        std::error_code code;
        if (!fs::is_directory(path, code)) {
            files.push_back(path);
            continue;
        }
        for (auto const& entry : fs::directory_iterator(path, code)) {
            if (files.size() < crontabs_max) files.push_back(entry.path().string());
        }
        if (code) problem = Error{Errc::forbidden, code.message(), path};
    }
    for (auto const& file : files) {
        auto const text = read_file(file, host_file_max);
        if (!text && text.error().code != Errc::not_found) problem = text.error();
        if (!text) continue;
        for (auto const& job : parse_cron(*text)) {
            if (found_in(match, job)) return true;
        }
    }
    if (problem) return tl::unexpected<Error>(std::move(*problem));
    return false;
}

struct LastRun {
    std::optional<WallTime> at;  // none: never
    std::string problem;         // of the schedule or the run, with its slug; empty: none
    bool unknown = false;        // the problem is our own
};

class CrontabProbe final : public Probe {
public:
    CrontabProbe(JsonObject const& params, ProbeContext const& context)
        : clock_(context.clock), place_(context) {
        Json const all(params);
        match_ = expression_of(all, "match").value_or(Expression());
        timer_ = text_of(all, "timer");
        ran_ = text_of(all, "ran");
        measured_ = is_measured(params);
        if (auto const* const within = find(all, "within")) within_ = Duration(within->get_int64());
        if (auto const* const paths = find(all, "paths"); paths && paths->is_array()) {
            for (auto const& path : paths->get_array()) {
                paths_.emplace_back(std::string_view(path.get_string()));
            }
        }
        if (paths_.empty()) paths_ = {"/etc/crontab", "/etc/cron.d", "/var/spool/cron/crontabs"};
    }

    asio::awaitable<ProbeAnswer> ask(Duration timeout) override {
        LastRun run;
        if (timer_.empty()) {
            run = co_await of_cron(timeout);
        } else {
            run = co_await of_timer(timeout);
        }
        co_return answer(run);
    }

private:
    static LastRun trouble(Error const& error) { return {{}, trouble_of(error), true}; }

    asio::awaitable<LastRun> of_cron(Duration timeout) {
        LastRun run;
        auto job = [paths = paths_, match = match_]() -> Result<bool> {
            return find_job(paths, match);
        };
        auto const found = co_await place_.look(std::move(job), timeout);
        if (!found) co_return trouble(found.error());
        if (!*found) run.problem = "missing: no crontab has the job";
        if (ran_.empty()) co_return run;
        auto look = [path = ran_]() -> Result<HostFile> {
            HostFileQuestion question;
            question.path = path;
            return facts_of_host_file(question);
        };
        auto const facts = co_await place_.look(std::move(look), timeout);
        if (!facts) co_return trouble(facts.error());
        if (facts->exists) run.at = facts->modified;
        co_return run;
    }

    asio::awaitable<Result<UnitProperties>> show(std::string unit, Duration timeout) {
        std::vector<std::string> argv;
        argv.emplace_back("systemctl");
        argv.emplace_back("show");
        argv.emplace_back("--no-pager");
        argv.emplace_back("--timestamp=unix");
        argv.emplace_back("--");
        argv.push_back(unit);
        auto const text = co_await place_.output_of(std::move(argv), timeout);
        if (!text) co_return tl::unexpected<Error>(text.error());
        co_return parse_unit(*text);
    }

    asio::awaitable<LastRun> of_timer(Duration timeout) {
        LastRun run;
        auto const timer = co_await show(timer_, timeout);
        if (!timer) co_return trouble(timer.error());
        auto const judged = judge_unit(*timer, true);
        if (judged.verdict != UnitVerdict::good) {
            run.problem = judged.reason;
            run.unknown = judged.verdict == UnitVerdict::unknown;
            co_return run;
        }
        auto const last = timer->find("LastTriggerUSec");
        if (last != timer->end()) run.at = unit_time(last->second);
        auto const starts = timer->find("Triggers");
        if (starts == timer->end()) co_return run;
        auto const service = co_await show(starts->second, timeout);
        if (!service) co_return trouble(service.error());
        auto const result = judge_unit(*service, false);
        if (result.verdict == UnitVerdict::failed) run.problem = result.reason;
        co_return run;
    }

    ProbeAnswer answer(LastRun const& run) const {
        if (run.unknown) return unknown_answer(run.problem);
        auto const now = clock_.now().wall;
        auto const age = run.at ? std::max<Duration>(now - *run.at, Duration::zero()) : Duration();
        auto const shown = run.at ? "last run " + format_human(age) + " ago" : "it never ran";
        if (measured_ && run.at) {
            return number_answer(std::chrono::duration<double>(age).count(), shown);
        }
        if (measured_) return unknown_answer("never: " + shown);
        if (!run.problem.empty()) return failed_answer(run.problem);
        if (!within_) return good_answer(run.at ? shown : std::string());
        if (!run.at || age > *within_) {
            return failed_answer("late: " + shown + ", expected within " + format_human(*within_));
        }
        return good_answer(shown);
    }

    Expression match_;
    std::string timer_;
    std::string ran_;
    std::vector<std::string> paths_;
    std::optional<Duration> within_;
    bool measured_ = false;
    Clock const& clock_;
    Place place_;
};

std::unique_ptr<Probe> make_crontab(SignalPolicy const& signal, ProbeContext const& context) {
    return std::make_unique<CrontabProbe>(signal.params, context);
}

}  // namespace

ProbeType crontab_probe() { return ProbeType{crontab_info(), &check_crontab, &make_crontab}; }

}  // namespace rollbackd

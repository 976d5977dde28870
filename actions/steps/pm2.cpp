// pm2: one verb on one app, and a look at its effect.
#include "actions/steps/descriptor.hpp"
#include "actions/steps/pm2_state.hpp"
#include "actions/steps/words.hpp"
#include "core/io/clock.hpp"
#include "core/io/deadline.hpp"

#include <algorithm>
#include <charconv>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

using Words = std::vector<std::string>;

constexpr std::size_t list_max = 4 * 1024 * 1024;  // it holds every app's environment
constexpr Duration steady_standard = std::chrono::seconds(2);
constexpr Duration pause_between_looks = std::chrono::milliseconds(200);

TypeInfo pm2_info() {
    TypeInfo info;
    info.name = "pm2";
    info.doc =
        "Restarts, starts, stops, reloads or deletes an app of PM2 and checks what became of its "
        "instances: all online, anew where they were to be, and for a while.";
    info.fields = {
        {.name = "app", .type = FieldType::text, .doc = "Its name in PM2.", .required = true},
        {.name = "do",
         .type = FieldType::choice,
         .doc = "What to do with it.",
         .required = true,
         .choices = {"restart", "start", "stop", "reload", "delete"}},
        {.name = "config",
         .type = FieldType::path,
         .doc = "With start: the ecosystem file it is started from, where PM2 does not know it."},
        {.name = "update_env",
         .type = FieldType::boolean,
         .doc = "With restart and reload: takes `env` over into the app (--update-env).",
         .otherwise = false},
        {.name = "home", .type = FieldType::path, .doc = "PM2_HOME, where it is another's."},
        {.name = "command",
         .type = FieldType::argv,
         .doc = "How PM2 is called: [sudo, -u, app, pm2].",
         .otherwise = JsonArray{"pm2"}},
        {.name = "env", .type = FieldType::text_map, .doc = "Added to its environment."},
        {.name = "steady",
         .type = FieldType::duration,
         .doc = "How long each instance must have been up; default 2s.",
         .min = 0},
    };
    info.restarts = true;
    info.idempotent = true;
    info.runs_process = true;
    return info;
}

Command command(StepJob const& job, Words const& words) {
    Command out;
    out.argv = job.list("command");
    out.argv.insert(out.argv.end(), words.begin(), words.end());
    out.env = job.map("env");
    if (job.has("home")) out.env["PM2_HOME"] = job.text("home");
    out.output_max = list_max;
    return out;
}

Words act_words(StepJob const& job) {
    auto const verb = job.text("do");
    if (verb == "start" && job.has("config")) {
        return {"start", job.text("config"), "--only", job.text("app")};
    }
    Words words{verb, job.text("app")};
    if (job.text("update_env") == "true") words.emplace_back("--update-env");
    return words;
}

/// One a line, between whatever else PM2 says.
std::vector<std::int64_t> pids_in(std::string const& text) {
    std::vector<std::int64_t> out;
    for (auto const& line : lines_in(text)) {
        auto const* const end = line.data() + line.size();
        std::int64_t value = 0;
        auto const [stop, code] = std::from_chars(line.data(), end, value);
        if (code == std::errc() && stop == end && value > 0) out.push_back(value);
    }
    return out;
}

std::int64_t now_ms(StepJob const& job) {
    auto const since = job.parts().clock.now().wall.time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

/// Its list holds every app's environment: of an answer that is none only the kind of end is told.
asio::awaitable<Pm2Look> look(StepJob& job, std::vector<std::int64_t> pids) {
    auto list_command = command(job, {"jlist"});
    auto const end = co_await job.ask(std::move(list_command));
    Pm2Look out;
    if (!end.ok() || end.cut) {
        out.text = "PM2 does not tell its list: " + end.describe();
        co_return out;
    }
    auto const list = read_pm2_list(end.stdout_text);
    if (!list) {
        out.text = list.error().what;
        co_return out;
    }
    auto steady = steady_standard;
    if (auto const* const given = job.step().params.if_contains("steady"))
        steady = Duration(given->to_number<std::int64_t>());
    co_return judge_pm2(job.text("do"), job.text("app"), *list, pids, now_ms(job), steady);
}

asio::awaitable<StepOutcome> run(StepJob& job) {
    auto pid_command = command(job, {"pid", job.text("app")});
    auto const before = co_await job.process("before", std::move(pid_command));
    if (!before.ok()) co_return job.outcome(before);
    auto const pids = pids_in(before.stdout_text);
    auto const end = co_await job.process("pm2", command(job, act_words(job)));
    auto outcome = job.outcome(end);
    if (!end.ok()) co_return outcome;
    for (;;) {
        auto seen = co_await look(job, pids);
        bool const late = job.left() <= std::chrono::seconds(1);
        if (job.is_aborted()) co_return outcome_of(OutcomeKind::aborted, std::move(seen.text));
        if (seen.verdict == Pm2Verdict::good) {
            outcome.text = std::move(seen.text);
            co_return outcome;
        }
        if (seen.verdict == Pm2Verdict::bad || late) {
            outcome.kind = OutcomeKind::failed;
            outcome.text = job.shown(seen.text + "\n" + outcome.text, StepJob::text_bytes_max);
            co_return outcome;
        }
        if (!co_await sleep_for(pause_between_looks)) {
            co_return outcome_of(OutcomeKind::unknown, "the daemon was stopped");
        }
    }
}

asio::awaitable<std::optional<Objection>> preflight(StepJob& job) {
    Command ready;
    auto const program = job.list("command").at(0);
    std::string const folder = "/";
    ready.argv = script_argv("pm2", program_look, {program, folder});
    ready.env = job.map("env");
    auto const end = co_await job.ask(std::move(ready));
    co_return program_objection(job, end, program, folder);
}

asio::awaitable<StepOutcome> settle(StepJob& job) {
    auto const verb = job.text("do");
    if (verb == "restart" || verb == "reload") {
        co_return outcome_of(OutcomeKind::failed, verb + " may be done again");
    }
    std::vector<std::int64_t> const none;
    auto const seen = co_await look(job, none);
    bool const good = seen.verdict == Pm2Verdict::good;
    co_return outcome_of(good ? OutcomeKind::done : OutcomeKind::failed, seen.text);
}

std::string dry_run(Step const& step) {
    Json const params(step.params);
    return text_of(params, "do") + " the app " + text_of(params, "app") + " of PM2";
}

Effect effect(Step const& step) { return stops_or_starts(step, {"stop", "delete"}); }

}  // namespace

StepType pm2_step() {
    return {
        .info = pm2_info(),
        .run = run,
        .dry_run = dry_run,
        .preflight = preflight,
        .settle = settle,
        .effect = effect,
    };
}

}  // namespace rollbackd

// migrate: the schema up, or back by some migrations, by the project's own tool.
#include "actions/steps/descriptor.hpp"
#include "actions/steps/words.hpp"

#include <algorithm>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

using Words = std::vector<std::string>;

std::string field(JsonObject const& params, std::string_view key) {
    auto const* const value = params.if_contains(key);
    if (value == nullptr || value->is_null()) return {};
    return value->is_string() ? std::string(value->get_string()) : to_text(*value);
}

Words words_in(JsonObject const& params, std::string_view key) {
    auto const* const value = params.if_contains(key);
    if (value == nullptr) return {};
    return read_json<Words>(*value).value_or(Words{});
}

bool destroys(JsonObject const& params) { return field(params, "do") == "down"; }

std::vector<Error> problems(JsonObject const& params) {
    auto const wrong = [](char const* where, char const* what) {
        return std::vector<Error>{Error{Errc::invalid, what, where}};
    };
    auto const tool = field(params, "tool");
    auto const verb = field(params, "do");
    bool const has_count = params.contains("count");
    bool const has_to = params.contains("to");
    if (params.contains("argv") != (tool == "command")) {
        return wrong("argv", "argv goes with tool: command, which needs it");
    }
    if (has_count && has_to) return wrong("count", "either so many, or to a revision");
    if (tool != "alembic" && (has_count || has_to)) {
        return wrong(
            has_count ? "count" : "to", "goes with tool: alembic; a command says it itself"
        );
    }
    if (has_count && verb != "down") return wrong("count", "count goes with do: down");
    if (tool == "prisma" && verb == "down") {
        return wrong(
            "do",
            "Prisma has no way down: restore a backup (pg_restore), or run the down script "
            "by tool: command"
        );
    }
    if (tool == "alembic" && verb == "down" && !has_count && !has_to) {
        return wrong("do", "down needs count or to: how far");
    }
    return {};
}

TypeInfo migrate_info() {
    TypeInfo info;
    info.name = "migrate";
    info.doc =
        "Shows where the schema is, brings it up, or takes it back, by the project's own tool; "
        "with "
        "Alembic what it says of the schema is asked before and afterwards. Back: with the files "
        "of the version that went up, so before the checkout.";
    info.fields = {
        {.name = "tool",
         .type = FieldType::choice,
         .doc = "Alembic, Prisma (up only), or a command of your own.",
         .required = true,
         .choices = {"alembic", "prisma", "command"}},
        {.name = "do",
         .type = FieldType::choice,
         .doc = "What to do; with command it says what that does.",
         .required = true,
         .choices = {"status", "up", "down"}},
        {.name = "cwd",
         .type = FieldType::path,
         .doc = "The folder of alembic.ini, or of package.json.",
         .required = true},
        {.name = "prefix",
         .type = FieldType::argv,
         .doc = "What comes before it: [docker-compose, run, --rm, -T, backend]."},
        {.name = "count",
         .type = FieldType::text,
         .doc = "With down: so many migrations, \"{{ inputs.migrations }}\"."},
        {.name = "to",
         .type = FieldType::text,
         .doc = "To this revision; up without it: to the head."},
        {.name = "argv", .type = FieldType::argv, .doc = "The command of your own."},
        {.name = "env", .type = FieldType::text_map, .doc = "Added to its environment."},
    };
    info.destroys = destroys;
    info.problems = problems;
    info.runs_process = true;
    return info;
}

/// nullopt: a count that is no number.
std::optional<Words> tool_words(JsonObject const& params) {
    auto const tool = field(params, "tool");
    auto const verb = field(params, "do");
    if (tool == "command") return words_in(params, "argv");
    if (tool == "prisma") {
        return verb == "up" ? Words{"npx", "prisma", "migrate", "deploy"}
                            : Words{"npx", "prisma", "migrate", "status"};
    }
    auto const to = field(params, "to");
    if (verb == "status") return Words{"alembic", "current"};
    if (verb == "up") return Words{"alembic", "upgrade", to.empty() ? "head" : to};
    if (!to.empty()) return Words{"alembic", "downgrade", to};
    auto const count = field(params, "count");
    bool const number = !count.empty() && count.size() < 4 && count != "0" &&
                        count.find_first_not_of("0123456789") == std::string::npos;
    if (!number) return std::nullopt;
    return Words{"alembic", "downgrade", "-" + count};
}

Command command(StepJob const& job, Words const& words) {
    Command out;
    out.argv = job.list("prefix");
    out.argv.insert(out.argv.end(), words.begin(), words.end());
    out.cwd = job.text("cwd");
    out.env = job.map("env");
    return out;
}

Words current_words() { return {"alembic", "current"}; }

/// The revisions alembic names, without its log lines: "1a2b3c (head)".
std::string revisions(std::string const& text) {
    std::string out;
    for (auto const& line : lines_in(text)) {
        bool const log = line.starts_with("INFO") || line.starts_with("DEBUG");
        if (!log) out += (out.empty() ? "" : ", ") + line;
    }
    return out.empty() ? "base" : out;
}

bool is_there(JsonObject const& params, std::string const& now) {
    auto const to = field(params, "to");
    if (to == "base") return now == "base";
    if (to.empty() || to == "head" || to == "heads") return now.find("(head)") != std::string::npos;
    return now.starts_with(to);
}

constexpr char const* no_count = "count: how many migrations, 1 to 999";

asio::awaitable<StepOutcome> run_alembic(StepJob& job, Words words) {
    auto const before = co_await job.process("before", command(job, current_words()));
    if (!before.ok()) {
        auto outcome = job.outcome(before);
        // A question was asked, and nothing else.
        if (outcome.kind == OutcomeKind::unknown && before.kind != EndKind::cancelled)
            outcome.kind = OutcomeKind::failed;
        co_return outcome;
    }
    auto const end = co_await job.process("migrate", command(job, words));
    if (!end.ok()) co_return job.outcome(end);
    auto const after = co_await job.process("after", command(job, current_words()));
    auto outcome = job.outcome(after);
    if (!after.ok()) {
        outcome.kind = OutcomeKind::unknown;
        co_return outcome;
    }
    auto const was = revisions(before.stdout_text);
    auto const is = revisions(after.stdout_text);
    bool const far = job.text("do") == "up" || job.has("to");
    bool const good = far ? is_there(job.step().params, is) : was != is;
    outcome.kind = good ? OutcomeKind::done : OutcomeKind::failed;
    outcome.text = job.shown("the schema was at " + was + ", is at " + is, StepJob::text_bytes_max);
    co_return outcome;
}

asio::awaitable<StepOutcome> run(StepJob& job) {
    auto const words = tool_words(job.step().params);
    if (!words) co_return outcome_of(OutcomeKind::failed, no_count);
    bool const alembic = job.text("tool") == "alembic" && job.text("do") != "status";
    if (alembic) co_return co_await run_alembic(job, *words);
    auto const end = co_await job.process("migrate", command(job, *words));
    co_return job.outcome(end);
}

asio::awaitable<std::optional<Objection>> preflight(StepJob& job) {
    auto const words = tool_words(job.step().params);
    if (!words) co_return never(no_count);
    auto const program = command(job, *words).argv.at(0);
    Command look;
    auto const folder = job.text("cwd");
    look.argv = script_argv("migrate", program_look, {program, folder});
    look.env = job.map("env");
    auto const end = co_await job.ask(std::move(look));
    co_return program_objection(job, end, program, folder);
}

/// Up to a revision, or back to one, can be seen and done again; so many back cannot.
asio::awaitable<StepOutcome> settle(StepJob& job) {
    auto const verb = job.text("do");
    if (verb == "status") co_return outcome_of(OutcomeKind::failed, "it may be asked again");
    bool const visible = job.text("tool") == "alembic" && (verb == "up" || job.has("to"));
    if (!visible) {
        co_return outcome_of(
            OutcomeKind::unknown, "nothing can tell how far it came; give the step a check"
        );
    }
    auto const now = co_await job.ask(command(job, current_words()));
    if (!now.ok()) co_return outcome_of(OutcomeKind::unknown, job.outcome(now).text);
    auto const is = revisions(now.stdout_text);
    bool const good = is_there(job.step().params, is);
    co_return outcome_of(good ? OutcomeKind::done : OutcomeKind::failed, "the schema is at " + is);
}

std::string dry_run(Step const& step) {
    auto words = words_in(step.params, "prefix");
    auto const more = tool_words(step.params).value_or(Words{"(" + std::string(no_count) + ")"});
    words.insert(words.end(), more.begin(), more.end());
    return "run " + command_line(words) + " in " + field(step.params, "cwd");
}

}  // namespace

StepType migrate_step() {
    return {
        .info = migrate_info(),
        .run = run,
        .dry_run = dry_run,
        .preflight = preflight,
        .settle = settle,
        .effect = brings_services,
    };
}

}  // namespace rollbackd

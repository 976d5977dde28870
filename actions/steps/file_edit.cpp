// file_edit: one key of an env file, or one line of any text file.
#include "actions/steps/descriptor.hpp"
#include "actions/steps/file_edit_text.hpp"
#include "actions/steps/file_script.hpp"
#include "actions/steps/words.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

TypeInfo file_edit_info() {
    TypeInfo info;
    info.name = "file_edit";
    info.doc =
        "Sets one KEY=value of an env file, or replaces one line. Atomic; owner, mode, comments, "
        "quotes and every other byte stay. A key that is not there is appended.";
    info.fields = {
        {.name = "file",
         .type = FieldType::path,
         .doc = "The file; it must exist.",
         .required = true},
        {.name = "key",
         .type = FieldType::text,
         .doc = "Name of the variable. Where it is set twice the last one, which wins, is edited."},
        {.name = "line", .type = FieldType::text, .doc = "The line to replace."},
        {.name = "match",
         .type = FieldType::choice,
         .doc = "How `line` is compared: the whole line, or how it begins.",
         .otherwise = "exact",
         .choices = {"exact", "prefix"}},
        {.name = "value",
         .type = FieldType::text,
         .doc = "The key's new value, or the whole new line.",
         .required = true},
    };
    info.one_of = {{"key", "line"}};
    info.idempotent = true;
    info.edits = true;
    info.runs_process = true;
    return info;
}

Result<EditedText> edited(StepJob const& job, std::string_view text) {
    auto const value = job.text("value");
    if (job.has("key")) return set_env_key(text, job.text("key"), value);
    return replace_line(text, job.text("line"), job.text("match") == "prefix", value);
}

asio::awaitable<SupervisedEnd> read(StepJob& job) {
    auto command = read_file_command("file_edit", job.text("file"));
    co_return co_await job.ask(std::move(command));
}

std::string subject(StepJob const& job) {
    return job.text("file") + (job.has("key") ? ": " + job.text("key") : ": the line");
}

asio::awaitable<StepOutcome> run(StepJob& job) {
    auto const now = co_await read(job);
    if (!now.ok()) co_return job.outcome(now);
    auto const wanted = edited(job, now.stdout_text);
    if (!wanted) {
        auto const why = job.text("file") + ": " + to_string(wanted.error());
        co_return outcome_of(OutcomeKind::failed, job.shown(why, StepJob::text_bytes_max));
    }
    // A write begun in an earlier life is asked for its own end, whatever the file says by now.
    if (!wanted->changed && !job.has_begun("write")) {
        co_return outcome_of(OutcomeKind::done, subject(job) + " says so already");
    }
    auto command = write_file_command("file_edit", job.text("file"), now.stdout_text, wanted->text);
    auto const end = co_await job.process("write", std::move(command));
    auto outcome = job.outcome(end);
    if (end.ok()) outcome.text = subject(job) + " changed";
    co_return outcome;
}

asio::awaitable<std::optional<Objection>> preflight(StepJob& job) {
    auto command = look_at_file_command("file_edit", job.text("file"));
    auto const now = co_await job.ask(std::move(command));
    if (!now.ok()) co_return objection(job, now);
    auto const wanted = edited(job, now.stdout_text);
    if (!wanted) {
        co_return about_files(job, job.text("file") + ": " + to_string(wanted.error()));
    }
    co_return std::nullopt;
}

asio::awaitable<StepOutcome> settle(StepJob& job) {
    auto const now = co_await read(job);
    if (!now.ok()) co_return outcome_of(OutcomeKind::unknown, job.outcome(now).text);
    auto const wanted = edited(job, now.stdout_text);
    if (!wanted) co_return outcome_of(OutcomeKind::unknown, to_string(wanted.error()));
    if (wanted->changed) co_return outcome_of(OutcomeKind::failed, subject(job) + " is as it was");
    co_return outcome_of(OutcomeKind::done, subject(job) + " says so");
}

std::string dry_run(Step const& step) {
    auto const params = Json(step.params);
    auto const key = text_of(params, "key");
    auto const file = text_of(params, "file");
    auto const value = text_of(params, "value");
    if (!key.empty()) return "set " + key + "=" + value + " in " + file;
    auto const line = text_of(params, "line");
    return "replace the line \"" + line + "\" by \"" + value + "\" in " + file;
}

Effect effect(Step const& step) { return brings_files(step, {"file"}); }

}  // namespace

StepType file_edit_step() {
    return {
        .info = file_edit_info(),
        .run = run,
        .dry_run = dry_run,
        .preflight = preflight,
        .settle = settle,
        .effect = effect,
    };
}

}  // namespace rollbackd

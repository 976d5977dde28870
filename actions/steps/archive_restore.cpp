// archive_restore: a folder as an archive has it, unpacked beside it and then swapped in.
#include "actions/steps/archive_script.hpp"
#include "actions/steps/descriptor.hpp"
#include "actions/steps/restoring.hpp"
#include "actions/steps/words.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

std::vector<std::string> endings() { return {".tar.gz", ".tgz", ".tar", ".tar.xz", ".tar.bz2"}; }

TypeInfo archive_restore_info() {
    TypeInfo info;
    info.name = "archive_restore";
    info.doc =
        "Unpacks an archive beside a folder and then swaps them by two renames, so that a broken "
        "one harms nothing and no file of the folder as it was stays. That is kept as "
        "FOLDER.before_RUN; its path is what `save` keeps, and {{ steps.SAVED.as_of }} of what "
        "moment the archive is.";
    info.fields = {
        {.name = "to",
         .type = FieldType::path,
         .doc = "The folder that is replaced: no link, nothing mounted on it.",
         .required = true},
    };
    for (auto& field : restoring_fields("archives")) info.fields.push_back(std::move(field));
    std::vector<Field> more{
        {.name = "strip",
         .type = FieldType::integer,
         .doc = "How many names its paths lose at their beginning: 1 where it holds app/….",
         .otherwise = 0,
         .min = 0,
         .max = 10},
        {.name = "verify",
         .type = FieldType::text_list,
         .doc = "Paths inside that must be there: package.json."},
        {.name = "carry",
         .type = FieldType::text_list,
         .doc = "Paths inside that are copied from the folder as it is: .env, uploads."},
    };
    for (auto& field : more) info.fields.push_back(std::move(field));
    info.one_of = {restoring_alternatives()};
    info.edits = true;
    info.problems = restoring_problems;
    info.restores = true;
    info.runs_process = true;
    return info;
}

Command command(StepJob const& job, std::string const& script, std::string const& archive) {
    std::vector<std::string> values{job.text("to"), job.id(), archive, job.text("strip")};
    for (auto const& path : job.list("verify")) values.push_back(path);
    values.emplace_back("--");
    for (auto const& path : job.list("carry")) values.push_back(path);
    Command out;
    out.argv =
        script_argv("archive_restore", one_text(archive_restore_ready, script).c_str(), values);
    return out;
}

asio::awaitable<StepOutcome> run(StepJob& job) {
    std::function<Command(std::string const&)> const restore = [&](std::string const& archive) {
        auto const script = one_text(archive_restore_readable, archive_restore_unpack);
        return command(job, script, archive);
    };
    auto restored = co_await restore_first_usable(job, endings(), restore);
    if (restored.end) co_return std::move(*restored.end);
    auto const end = co_await job.process("swap", command(job, archive_restore_swap, ""));
    auto outcome = job.outcome(end);
    outcome.text = restored.told + "; " + outcome.text;
    co_return outcome;
}

asio::awaitable<std::optional<Objection>> preflight(StepJob& job) {
    std::function<Command(std::string const&)> const look = [&](std::string const& archive) {
        return command(job, archive_restore_readable, archive);
    };
    co_return co_await look_for_backup(job, endings(), look);
}

asio::awaitable<StepOutcome> settle(StepJob& job) {
    auto const end = co_await job.ask(command(job, archive_restore_settle, ""));
    co_await recall_backup(job, endings());
    co_return settled(end);
}

std::string dry_run(Step const& step) {
    auto const folder = text_of(Json(step.params), "to");
    return "unpack " + restoring_words(step.params) + " beside " + folder +
           ", and swap them; what is there now is kept";
}

Effect effect(Step const& step) { return brings_files(step, {"to"}); }

}  // namespace

StepType archive_restore_step() {
    return {
        .info = archive_restore_info(),
        .run = run,
        .dry_run = dry_run,
        .preflight = preflight,
        .settle = settle,
        .effect = effect,
    };
}

}  // namespace rollbackd

// archive_create: a folder as it is now, as one file that was read through before it got its name.
#include "actions/steps/archive_script.hpp"
#include "actions/steps/descriptor.hpp"
#include "actions/steps/words.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

TypeInfo archive_create_info() {
    TypeInfo info;
    info.name = "archive_create";
    info.doc =
        "Archives a folder into a new file NAME_LABEL_YYYYMMDD_HHMMSS.tar.gz (local time of the "
        "machine), space checked first, read through before it gets that name, never over another. "
        "Its path is what `save` keeps.";
    info.fields = {
        {.name = "folder", .type = FieldType::path, .doc = "What is archived.", .required = true},
        {.name = "into",
         .type = FieldType::path,
         .doc = "The folder archives are kept in; it must exist.",
         .required = true},
        {.name = "name",
         .type = FieldType::text,
         .doc = "How its name begins: shop_code.",
         .required = true},
        {.name = "label",
         .type = FieldType::text,
         .doc = "Put into the name too: pre_v7; one with emergency or broken is never chosen by a "
                "rule."},
        {.name = "exclude",
         .type = FieldType::text_list,
         .doc = "Patterns of what is left out: ./node_modules."},
        {.name = "keep_free",
         .type = FieldType::size,
         .doc = "Space that must be left on the disk afterwards."},
    };
    info.idempotent = true;
    info.runs_process = true;
    return info;
}

Command command(StepJob const& job, std::string const& script) {
    std::vector<std::string> values{
        job.text("folder"),
        job.text("into"),
        job.text("name"),
        job.text("label"),
        job.has("keep_free") ? job.text("keep_free") : "0",
    };
    for (auto const& pattern : job.list("exclude")) values.push_back(pattern);
    Command out;
    out.argv = script_argv("archive_create", script.c_str(), values);
    return out;
}

asio::awaitable<StepOutcome> run(StepJob& job) {
    auto const script = one_text(archive_create_ready, archive_create_act);
    auto const end = co_await job.process("archive", command(job, script));
    co_return job.outcome(end);
}

asio::awaitable<std::optional<Objection>> preflight(StepJob& job) {
    auto const end = co_await job.ask(command(job, archive_create_ready));
    co_return objection(job, end);
}

std::string dry_run(Step const& step) {
    Json const params(step.params);
    auto const label = text_of(params, "label");
    return "archive " + text_of(params, "folder") + " into " + text_of(params, "into") + "/" +
           text_of(params, "name") + (label.empty() ? "" : "_" + label) +
           "_YYYYMMDD_HHMMSS.tar.gz, and read it through";
}

}  // namespace

StepType archive_create_step() {
    return {.info = archive_create_info(), .run = run, .dry_run = dry_run, .preflight = preflight};
}

}  // namespace rollbackd

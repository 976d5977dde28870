// truncate: logs that a process holds open, emptied where they are, kept first if asked.
#include "actions/steps/descriptor.hpp"
#include "actions/steps/space_script.hpp"
#include "actions/steps/words.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

using Words = std::vector<std::string>;

/// Nothing is lost where all of each file is kept.
bool destroys(JsonObject const& params) {
    return !params.contains("keep") || params.contains("tail");
}

std::vector<Error> problems(JsonObject const& params) {
    auto const* const files = params.if_contains("files");
    bool const none = files == nullptr || !files->is_array() || files->get_array().empty();
    if (none) return {Error{Errc::invalid, "no file is named", "files"}};
    for (auto const& file : files->get_array()) {
        auto const path = file.is_string() ? std::string(file.get_string()) : std::string();
        bool const known = path.starts_with('/') || path.starts_with("{{");
        if (!known) return {Error{Errc::invalid, "files: absolute names", "files"}};
    }
    if (params.contains("tail") && !params.contains("keep")) {
        return {Error{Errc::invalid, "tail needs keep: where the end is kept", "tail"}};
    }
    return {};
}

TypeInfo truncate_info() {
    TypeInfo info;
    info.name = "truncate";
    info.doc =
        "Empties files that grow, where they are: whoever has one open goes on writing into it, "
        "and its space is free at once. The paths of what is kept are what `save` keeps.";
    info.fields = {
        {.name = "files",
         .type = FieldType::text_list,
         .doc = "Logs, each by its whole name; no links.",
         .required = true},
        {.name = "keep",
         .type = FieldType::path,
         .doc = "The folder in which each is kept first, compressed and hashed: NAME_TIME.gz."},
        {.name = "tail",
         .type = FieldType::size,
         .doc = "With keep: only this much of its end, where there is no room for all.",
         .min = 1},
    };
    info.destroys = destroys;
    info.problems = problems;
    info.idempotent = true;
    info.runs_process = true;
    return info;
}

Command command(StepJob const& job, std::string const& script) {
    Words values{job.text("keep"), job.has("tail") ? job.text("tail") : "0"};
    for (auto& file : job.list("files")) values.push_back(std::move(file));
    Command out;
    out.argv = script_argv("truncate", script.c_str(), values);
    return out;
}

asio::awaitable<StepOutcome> run(StepJob& job) {
    auto const script = one_text(truncate_ready, truncate_act);
    auto const end = co_await job.process("truncate", command(job, script));
    co_return job.outcome(end);
}

asio::awaitable<std::optional<Objection>> preflight(StepJob& job) {
    auto const end = co_await job.ask(command(job, truncate_ready));
    co_return objection(job, end);
}

std::string dry_run(Step const& step) {
    Json const params(step.params);
    auto const* const list = find(params, "files");
    auto const files = list ? read_json<Words>(*list).value_or(Words{}) : Words{};
    auto const keep = text_of(params, "keep");
    if (keep.empty()) return "empty " + command_line(files) + "; nothing of it is kept";
    auto const* const part = find(params, "tail") ? "the end of each" : "all of it";
    return "keep " + std::string(part) + " in " + keep + ", and empty " + command_line(files);
}

}  // namespace

StepType truncate_step() {
    return {
        .info = truncate_info(),
        .run = run,
        .dry_run = dry_run,
        .preflight = preflight,
        .effect = brings_space
    };
}

}  // namespace rollbackd

// copy: one file from a machine to another, through this one; whole, hashed on both sides, or not
// there.
#include "actions/steps/copy_script.hpp"
#include "actions/steps/descriptor.hpp"
#include "actions/steps/ssh.hpp"
#include "actions/steps/words.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

using Words = std::vector<std::string>;

std::vector<Error> problems(JsonObject const& params) {
    Json const all(params);
    bool const here = text_of(all, "from") == text_of(all, "at");
    if (here && text_of(all, "file") == text_of(all, "to")) {
        return {Error{Errc::invalid, "it would be copied onto itself", "to"}};
    }
    if (text_of(all, "to").ends_with('/')) {
        return {Error{Errc::invalid, "to is the file's whole name, not a folder", "to"}};
    }
    return {};
}

TypeInfo copy_info() {
    TypeInfo info;
    info.name = "copy";
    info.doc =
        "Copies a file to another machine or place: under a name nobody looks for, space checked "
        "first, hashed on both sides, and only then named. It goes through this machine, so that "
        "the two need not know each other. Its path is what `save` keeps.";
    info.fields = {
        {.name = "file",
         .type = FieldType::path,
         .doc = "What is copied: \"{{ steps.dump }}\", or a name.",
         .required = true},
        {.name = "from",
         .type = FieldType::text,
         .doc = "The machine of `hosts` that has it; default: where the step runs."},
        {.name = "to",
         .type = FieldType::path,
         .doc = "The copy's whole name; its folder must exist.",
         .required = true},
        {.name = "at",
         .type = FieldType::text,
         .doc = "The machine of `hosts` that gets it; default: where the step runs."},
        {.name = "replace",
         .type = FieldType::boolean,
         .doc = "Another file of that name is replaced, and kept as NAME.before_RUN.",
         .otherwise = false},
        {.name = "keep_free",
         .type = FieldType::size,
         .doc = "Space that must be left on the disk afterwards."},
    };
    info.problems = problems;
    info.idempotent = true;
    info.runs_process = true;
    return info;
}

/// A shell function that carries `argv` out, on `host` if there is one. What it is given is put
/// behind argv, quoted again for the shell over there.
Result<std::string> function(
    StepJob const& job, std::string const& name, std::string const& host, Words const& argv
) {
    if (host.empty()) return shell_function(name, argv);
    std::string text = name + "() {";
    for (auto const& known : job.parts().hosts) {
        if (known.name != host) continue;
        auto line = ssh_argv(known, argv, "", {});
        auto const remote = std::move(line.back());
        line.pop_back();
        for (auto const& word : line) text += " " + shell_quote(word);
        // Sizes, modes and sums: made of digits and letters alone.
        return text + " " + shell_quote(remote) + "\" $*\"; }\n";
    }
    return fail(Errc::not_found, "no such host in `hosts`", host);
}

/// The functions copy_act calls.
Result<std::string> functions(StepJob const& job) {
    auto const from = job.text("from");
    auto const at = job.text("at");
    auto const file = job.text("file");
    auto const to = job.text("to");
    auto const keep = job.has("keep_free") ? job.text("keep_free") : "0";
    struct Part {
        char const* name;
        std::string const& host;
        Words argv;
    };
    auto const with = [](char const* script, Words const& values) {
        return script_argv("copy", script, values);
    };
    // place_for and name_it are given two more values, which come last: $3 there is the first.
    auto const place = one_text("set -- \"$1\" \"$4\" \"$5\" \"$2\" \"$3\"\n", copy_place);
    std::vector<Part> const parts{
        {"source_look", from, with(copy_source, {file, "look"})},
        {"source_hash", from, with(copy_source, {file, "hash"})},
        {"source_read", from, {"cat", "--", file}},
        {"place_for", at, with(place.c_str(), {to, keep, job.text("replace")})},
        {"take", at, with(copy_take, {to, job.id()})},
        {"name_it", at, with(copy_name, {to, job.id()})},
        {"drop", at, with(copy_drop, {to, job.id()})},
    };
    std::string text;
    for (auto const& part : parts) {
        auto made = function(job, part.name, part.host, part.argv);
        if (!made) return made;
        text += *made;
    }
    return text;
}

/// nullopt, or why not; a step on a host knows no other one.
std::optional<std::string> misplaced(StepJob const& job) {
    if (!job.is_remote() || !(job.has("from") || job.has("at"))) return std::nullopt;
    return "copy's machines are from and at; a step with a host copies on that machine alone";
}

Result<Command> command(StepJob const& job, char const* script) {
    if (auto why = misplaced(job)) return fail(Errc::invalid, std::move(*why));
    auto const made = functions(job);
    if (!made) return tl::unexpected<Error>(made.error());
    Command out;
    out.argv =
        script_argv("copy", one_text(*made, script).c_str(), {job.text("file"), job.text("to")});
    return out;
}

asio::awaitable<StepOutcome> run(StepJob& job) {
    auto made = command(job, copy_act);
    if (!made) co_return outcome_of(OutcomeKind::failed, to_string(made.error()));
    auto const end = co_await job.process("copy", std::move(*made));
    co_return job.outcome(end);
}

asio::awaitable<std::optional<Objection>> preflight(StepJob& job) {
    auto const* const look = R"sh(
measured=$(source_look </dev/null) || { echo "$1 cannot be read" >&2; exit 10; }
place_for "${measured%% *}" - </dev/null >/dev/null
)sh";
    auto made = command(job, look);
    if (!made) co_return never(to_string(made.error()));
    auto const end = co_await job.ask(std::move(*made));
    co_return objection(job, end);
}

asio::awaitable<StepOutcome> settle(StepJob& job) {
    auto made = command(job, copy_settle);
    if (!made) co_return outcome_of(OutcomeKind::unknown, to_string(made.error()));
    auto const end = co_await job.ask(std::move(*made));
    co_return settled(end);
}

std::string dry_run(Step const& step) {
    Json const params(step.params);
    auto const place = [&](char const* path, char const* host) {
        auto const name = text_of(params, host);
        return (name.empty() ? "" : name + ":") + text_of(params, path);
    };
    return "copy " + place("file", "from") + " to " + place("to", "at") +
           ", hashed on both sides before it gets that name";
}

Effect effect(Step const& step) { return brings_files(step, {"to"}); }

}  // namespace

StepType copy_step() {
    return {
        .info = copy_info(),
        .run = run,
        .dry_run = dry_run,
        .preflight = preflight,
        .settle = settle,
        .effect = effect,
    };
}

}  // namespace rollbackd

// exec: a command of the user's own.
#include "actions/steps/descriptor.hpp"
#include "actions/steps/ssh.hpp"
#include "actions/steps/words.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

TypeInfo exec_info() {
    TypeInfo info;
    info.name = "exec";
    info.doc = "Runs a program. Exit status 0 is done, any other is failed.";
    info.fields = {
        {.name = "argv",
         .type = FieldType::argv,
         .doc = "The program and its arguments, each an element; no shell is involved."},
        {.name = "shell",
         .type = FieldType::text,
         .doc = "Instead of argv: a line for /bin/sh. Template values in it must be plain."},
        {.name = "cwd", .type = FieldType::path, .doc = "The folder it runs in; default `/`."},
        {.name = "env",
         .type = FieldType::text_map,
         .doc = "Added to its environment, which otherwise holds PATH, HOME, USER and LANG only."},
    };
    info.one_of = {{"argv", "shell"}};
    info.runs_process = true;
    return info;
}

asio::awaitable<StepOutcome> run(StepJob& job) {
    Command command;
    command.argv = job.list("argv");
    command.env = job.map("env");
    command.cwd = job.text("cwd");
    if (job.has("shell")) {
        command.argv = {"/bin/sh", "-c", job.text("shell")};
        command.env.insert(job.shell_env().begin(), job.shell_env().end());
    }
    if (command.argv.empty()) co_return outcome_of(OutcomeKind::failed, "an empty argv");
    auto const end = co_await job.process("exec", std::move(command));
    co_return job.outcome(end);
}

std::string dry_run(Step const& step) {
    auto const params = Json(step.params);
    auto const* const argv = find(params, "argv");
    if (argv == nullptr || !argv->is_array())
        return "run the shell line: " + text_of(params, "shell");
    std::vector<std::string> words;
    for (auto const& item : argv->get_array()) {
        words.push_back(item.is_string() ? std::string(item.get_string()) : to_text(item));
    }
    return "run " + command_line(words);
}

/// Whether the program is there. What it would do is its own secret.
asio::awaitable<std::optional<Objection>> preflight(StepJob& job) {
    auto const argv = job.list("argv");
    if (argv.empty()) co_return std::nullopt;
    Command command;
    auto const folder = job.has("cwd") ? job.text("cwd") : std::string("/");
    command.argv = script_argv("exec", program_look, {argv[0], folder});
    command.env = job.map("env");  // PATH may be in it
    auto const end = co_await job.ask(std::move(command));
    co_return program_objection(job, end, argv[0], folder);
}

/// A line that says "install" may bring the very tool that a later step needs.
Effect effect(Step const& step) {
    auto out = brings_anything(step);
    out.brings.grounds.tools = to_text(step.params).find("install") != std::string::npos;
    return out;
}

}  // namespace

StepType exec_step() {
    return {
        .info = exec_info(),
        .run = run,
        .dry_run = dry_run,
        .preflight = preflight,
        .effect = effect
    };
}

}  // namespace rollbackd

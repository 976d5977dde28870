// systemd: one verb on one unit, and a look at its effect.
#include "actions/steps/descriptor.hpp"
#include "actions/steps/systemd_script.hpp"
#include "actions/steps/words.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

TypeInfo systemd_info() {
    TypeInfo info;
    info.name = "systemd";
    info.doc =
        "Restarts, starts, stops or reloads a unit and checks the state it is in afterwards.";
    info.fields = {
        {.name = "unit",
         .type = FieldType::text,
         .doc = "The unit, with its ending: shop.service.",
         .required = true},
        {.name = "do",
         .type = FieldType::choice,
         .doc = "What to do with it.",
         .required = true,
         .choices = {"restart", "start", "stop", "reload"}},
    };
    info.idempotent = true;
    info.restarts = true;
    info.runs_process = true;
    return info;
}

asio::awaitable<StepOutcome> run(StepJob& job) {
    Command command;
    command.argv = script_argv("systemd", systemd_act, {job.text("unit"), job.text("do")});
    auto const end = co_await job.process("systemd", std::move(command));
    co_return job.outcome(end);
}

asio::awaitable<std::optional<Objection>> preflight(StepJob& job) {
    Command command;
    command.argv = script_argv("systemd", systemd_loaded, {job.text("unit")});
    auto const end = co_await job.ask(std::move(command));
    co_return objection(job, end);
}

/// A restart or reload leaves no trace that tells it from another; both may be done again.
asio::awaitable<StepOutcome> settle(StepJob& job) {
    Command command;
    command.argv = script_argv("systemd", systemd_settle, {job.text("unit"), job.text("do")});
    auto const end = co_await job.ask(std::move(command));
    co_return settled(end);
}

std::string dry_run(Step const& step) {
    auto const params = Json(step.params);
    return text_of(params, "do") + " the unit " + text_of(params, "unit");
}

Effect effect(Step const& step) { return stops_or_starts(step, {"stop"}); }

}  // namespace

StepType systemd_step() {
    return {
        .info = systemd_info(),
        .run = run,
        .dry_run = dry_run,
        .preflight = preflight,
        .settle = settle,
        .effect = effect,
    };
}

}  // namespace rollbackd

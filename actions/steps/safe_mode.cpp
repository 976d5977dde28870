// safe_mode: nginx answers for the service, which keeps running behind it.
#include "actions/steps/descriptor.hpp"
#include "actions/steps/nginx_include.hpp"
#include "actions/steps/words.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

constexpr char const* page_standard = "if ($uri !~ ^/(healthz|webhooks/)) { return 503; }";

TypeInfo safe_mode_info() {
    TypeInfo info;
    info.name = "safe_mode";
    info.doc =
        "Switches the maintenance page on or off: writes an include file of nginx, has nginx test "
        "its configuration, and reloads it. What nginx refuses is undone at once.";
    info.fields = nginx_fields(
        "The include file, inside a server block; empty while safe mode is off.",
        "Asked afterwards, until it shows that the page is on, or off."
    );
    info.fields.back().otherwise = 503;
    info.fields.back().doc =
        "What the URL answers while the page is on; with off any other answer is waited for.";
    std::vector<Field> more{
        {.name = "do",
         .type = FieldType::choice,
         .doc = "On or off.",
         .required = true,
         .choices = {"on", "off"}},
        {.name = "page",
         .type = FieldType::text,
         .doc = "What the file says while it is on. Keep health and webhook paths open.",
         .literal = true,
         .otherwise = page_standard},
    };
    for (auto& field : more) info.fields.push_back(std::move(field));
    info.idempotent = true;
    info.runs_process = true;
    return info;
}

bool is_on(StepJob const& job) { return job.text("do") == "on"; }

std::string content(StepJob const& job) {
    return is_on(job) ? "# Written by rollbackd: safe mode is on.\n" + job.text("page") + "\n"
                      : "# Written by rollbackd: safe mode is off.\n";
}

asio::awaitable<StepOutcome> run(StepJob& job) {
    co_return co_await put_nginx_include(job, content(job), is_on(job));
}

asio::awaitable<std::optional<Objection>> preflight(StepJob& job) {
    co_return co_await look_at_nginx(job);
}

asio::awaitable<StepOutcome> settle(StepJob& job) {
    co_return co_await settle_nginx_include(job, content(job));
}

std::string dry_run(Step const& step) {
    Json const params(step.params);
    return "switch safe mode " + text_of(params, "do") + ": write " + text_of(params, "file") +
           ", test nginx's configuration and reload it";
}

Effect effect(Step const& step) {
    auto out = brings_files(step, {"file"});
    out.contains = text_of(Json(step.params), "do") == "on";
    out.starts = !out.contains;
    return out;
}

}  // namespace

StepType safe_mode_step() {
    return {
        .info = safe_mode_info(),
        .run = run,
        .dry_run = dry_run,
        .preflight = preflight,
        .settle = settle,
        .effect = effect,
    };
}

}  // namespace rollbackd

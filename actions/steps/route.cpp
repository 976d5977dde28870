// route: nginx sends a service's requests somewhere else.
#include "actions/steps/descriptor.hpp"
#include "actions/steps/nginx_include.hpp"
#include "actions/steps/words.hpp"

#include <algorithm>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

TypeInfo route_info() {
    TypeInfo info;
    info.name = "route";
    info.doc =
        "Sends requests to other servers: writes the include file of an upstream block, has nginx "
        "test its configuration, and reloads it. What nginx refuses is undone at once.";
    info.fields = nginx_fields(
        "The include file, inside an upstream block; it holds its server lines and nothing else.",
        "Asked afterwards, until it answers with `status`."
    );
    info.fields.back().otherwise = 200;
    info.fields.push_back(
        {.name = "to",
         .type = FieldType::text_list,
         .doc = "HOST:PORT or unix:PATH of each server.",
         .required = true}
    );
    info.idempotent = true;
    info.runs_process = true;
    return info;
}

/// nullopt: a server that could say more than where it is, or none at all.
std::optional<std::string> content(StepJob const& job) {
    auto const servers = job.list("to");
    if (servers.empty() || !std::all_of(servers.begin(), servers.end(), is_nginx_word)) {
        return std::nullopt;
    }
    std::string text = "# Written by rollbackd.\n";
    for (auto const& server : servers) text += "server " + server + ";\n";
    return text;
}

constexpr char const* no_server = "to: HOST:PORT or unix:PATH of each server, and nothing else";

asio::awaitable<StepOutcome> run(StepJob& job) {
    auto wanted = content(job);
    if (!wanted) co_return outcome_of(OutcomeKind::failed, no_server);
    co_return co_await put_nginx_include(job, std::move(*wanted), true);
}

asio::awaitable<std::optional<Objection>> preflight(StepJob& job) {
    if (!content(job)) co_return never(no_server);
    co_return co_await look_at_nginx(job);
}

asio::awaitable<StepOutcome> settle(StepJob& job) {
    auto wanted = content(job);
    if (!wanted) co_return outcome_of(OutcomeKind::failed, no_server);
    co_return co_await settle_nginx_include(job, std::move(*wanted));
}

std::string dry_run(Step const& step) {
    Json const params(step.params);
    auto const* const to = find(params, "to");
    auto const servers =
        to ? read_json<std::vector<std::string>>(*to).value_or(std::vector<std::string>{})
           : std::vector<std::string>{};
    return "send requests to " + command_line(servers) + ": write " + text_of(params, "file") +
           ", test nginx's configuration and reload it";
}

Effect effect(Step const& step) {
    auto out = brings_files(step, {"file"});
    out.starts = true;
    return out;
}

}  // namespace

StepType route_step() {
    return {
        .info = route_info(),
        .run = run,
        .dry_run = dry_run,
        .preflight = preflight,
        .settle = settle,
        .effect = effect,
    };
}

}  // namespace rollbackd

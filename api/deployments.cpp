// Deployments and versions of a service.
#include "api/body.hpp"
#include "api/handlers.hpp"
#include "api/lookup.hpp"
#include "api/page.hpp"
#include "api/render.hpp"
#include "core/percent.hpp"

#include <algorithm>

namespace rollbackd::api {

namespace {

constexpr auto started_back_max = std::chrono::hours(1);
constexpr auto started_ahead_max = std::chrono::minutes(1);  // clocks of CI and ours may differ

struct Posted {
    DeploymentPosted event;
    std::optional<Response> refusal;
};

Posted read_deployment(Context& context, std::string const& service) {
    Posted posted;
    auto const now = context.host.now();
    Members members(context.request);
    auto& event = posted.event;
    event.actor = context.request.actor;
    event.service = service;
    event.version = members.text("version").value();
    event.started_at = members.time("started_at").value_or(now.wall);
    event.known_good = members.boolean("known_good").value_or(false);
    event.schema_compatible = members.boolean("schema_compatible");
    auto const problem = version_problem(event.version);
    if (!problem.empty()) members.mistake("version", problem);
    if (*event.started_at < now.wall - started_back_max) {
        members.mistake("started_at", "a deployment may be recorded at most 1 h after it started");
    }
    if (*event.started_at > now.wall + started_ahead_max) {
        members.mistake("started_at", "lies in the future: compare the clocks");
    }
    event.started_at = std::min(*event.started_at, now.wall);
    posted.refusal = members.refusal();
    return posted;
}

}  // namespace

Response list_deployments(Context& context) {
    auto service = find_service(context);
    if (!service) return std::move(service.refusal);
    auto const& state = context.state().service(service->name);
    std::vector<Deployment> const newest_first(
        state.deployments.rbegin(), state.deployments.rend()
    );
    return answer_page(
        context.request, newest_first,
        [](Deployment const& deployment) { return std::to_string(deployment.id); },
        [&](Deployment const& deployment) { return render_deployment(*service, state, deployment); }
    );
}

Awaitable<Response> post_deployment(Context& context) {
    auto service = find_service(context);
    if (!service) co_return std::move(service.refusal);
    auto posted = read_deployment(context, service->name);
    if (posted.refusal) co_return *std::move(posted.refusal);
    std::string const name = service->name;
    std::string const version = posted.event.version;

    posted.event.facts = co_await context.host.facts(name);
    Event event = std::move(posted.event);
    auto const reply = co_await context.host.submit(std::move(event));
    if (reply.error) co_return refuse(*reply.error);

    service = find_service(context);  // the policy may have been reloaded meanwhile
    if (!service) co_return std::move(service.refusal);
    auto const& state = context.state().service(name);
    auto const* recorded = state.deployment(reply.deployment);
    // A repeated record of the version in effect makes no new deployment: the one it repeats.
    if (recorded == nullptr) recorded = state.current_deployment();
    JsonObject body;
    if (recorded != nullptr) body = render_deployment(*service, state, *recorded).as_object();
    body["service"] = name;
    body["version"] = version;
    body["quarantined"] = reply.quarantined;
    auto response = answer(body, 201);
    response.headers.emplace_back(
        "Location", "/v1/services/" + name + "/versions/" + percent_encode(version)
    );
    co_return response;
}

Response list_versions(Context& context) {
    auto service = find_service(context);
    if (!service) return std::move(service.refusal);
    auto const& state = context.state();
    using Entry = std::pair<std::string const, VersionState>;
    return answer_page(
        context.request, state.service(service->name).versions,
        [](Entry const& entry) { return entry.first; },
        [&](Entry const& entry) { return render_version(*service, state, entry.first); }
    );
}

Response get_version(Context& context) {
    auto service = find_service(context);
    if (!service) return std::move(service.refusal);
    return answer(render_version(*service, context.state(), context.request.param("v")));
}

Awaitable<Response> release_version(Context& context) {
    auto service = find_service(context);
    if (!service) co_return std::move(service.refusal);
    auto const reason = Members(context.request).text("reason").value_or("");
    auto const& version = context.request.param("v");
    Event event = VersionReleased{context.request.actor, service->name, version, reason};
    auto const reply = co_await context.host.submit(std::move(event));
    if (reply.error) co_return refuse(*reply.error);
    co_return get_version(context);
}

}  // namespace rollbackd::api

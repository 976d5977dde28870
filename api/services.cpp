// /v1/status, /v1/services and what belongs to a trigger.
#include "api/body.hpp"
#include "api/explain.hpp"
#include "api/handlers.hpp"
#include "api/lookup.hpp"
#include "api/page.hpp"
#include "api/render.hpp"

namespace rollbackd::api {

namespace {

Json render_journal(Context& context) {
    JsonObject out;
    out["seq"] = context.state().seq;
    out["hash"] = context.state().hash;
    out["writable"] = context.host.journal_writable();
    return out;
}

Json render_actor(Actor const& actor) {
    JsonObject out;
    out["name"] = actor.name;
    out["role"] = actor.role;
    return out;
}

}  // namespace

Response get_status(Context& context) {
    auto const facts = context.host.facts_of_daemon();
    auto const& state = context.state();
    JsonArray incidents;
    for (auto const* const incident : open_incidents(state, "")) {
        incidents.push_back(render_incident(*incident));
    }
    JsonObject body;
    body["version"] = ROLLBACKD_VERSION;
    body["role"] = facts.role;
    body["autonomy"] = to_string(context.policy().daemon.autonomy);
    body["paused"] = state.paused;
    body["paused_by"] = state.paused_by;
    body["open_incidents"] = std::move(incidents);
    body["services"] = context.policy().services.size();
    body["silences"] = state.silences.size();
    body["messages_queued"] = state.outbox.size();
    body["journal"] = render_journal(context);
    body["policy_hash"] = context.policy().hash;
    body["config_file"] = facts.config_file;
    body["config_loaded_at"] = render_time(facts.config_loaded_at);
    body["config_problem"] = facts.config_problem;
    body["config_note"] = facts.config_note;
    body["started_at"] = render_time(facts.started_at);
    body["now"] = render_time(context.host.now().wall);
    body["limits"] = facts.limits;
    body["you"] = render_actor(context.request.actor);
    return answer(body);
}

Response list_services(Context& context) {
    auto const now = context.host.now();
    return answer_page(
        context.request, context.policy().services,
        [](ServicePolicy const& service) { return service.name; },
        [&](ServicePolicy const& service) { return render_service(context.engine(), service, now); }
    );
}

Response get_service(Context& context) {
    auto service = find_service(context);
    if (!service) return std::move(service.refusal);
    return answer(render_service(context.engine(), *service, context.host.now()));
}

Response explain_trigger(Context& context) {
    auto service = find_service(context);
    if (!service) return std::move(service.refusal);
    auto trigger = find_trigger(context, *service);
    if (!trigger) return std::move(trigger.refusal);
    auto const explanation =
        explain_trigger(context.engine(), *service, *trigger, context.host.now());
    return answer_explanation(context.request, explanation);
}

Awaitable<Response> raise_trigger(Context& context) {
    auto service = find_service(context);
    if (!service) co_return std::move(service.refusal);
    auto trigger = find_trigger(context, *service);
    if (!trigger) co_return std::move(trigger.refusal);
    auto const reason = Members(context.request).text("reason").value();
    Event event = Raised{context.request.actor, service->name, trigger->name, reason};
    auto const reply = co_await context.host.submit(std::move(event));
    co_return answer_incident(context, reply);
}

}  // namespace rollbackd::api

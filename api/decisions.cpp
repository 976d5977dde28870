// Decisions by people about an incident. Each is one event; the engine says whether it may be.
#include "api/body.hpp"
#include "api/handlers.hpp"
#include "api/lookup.hpp"
#include "api/page.hpp"
#include "engine/planning.hpp"

namespace rollbackd::api {

namespace {

/// {n} of the path.
std::uint32_t number_of(Context& context) {
    return static_cast<std::uint32_t>(parse_number(context.request.param("n")).value());
}

/// What the plan that is named still has to do, where it waits, or a step of it does.
std::optional<Plan> waiting_plan(Incident const& incident, std::string const& hash) {
    for (auto const& run : incident.runs) {
        bool const waits = run.state == RunState::waiting || waits_for_approval(run);
        if (waits && run.plan.hash == hash) return what_is_left(run);
    }
    return std::nullopt;
}

/// Whether its outcome is unknown, so that only a person can say what happened.
bool needs_outcome(Incident const& incident, std::uint32_t n) {
    if (incident.runs.empty()) return false;
    for (auto const& step : incident.runs.back().steps) {
        if (step.n == n) return step.state == StepState::unknown;
    }
    return false;
}

}  // namespace

Awaitable<Response> ack_incident(Context& context) {
    auto incident = find_incident(context);
    if (!incident) co_return std::move(incident.refusal);
    Event event = Acked{context.request.actor, incident->id};
    auto const reply = co_await context.host.submit(std::move(event));
    co_return answer_incident(context, reply);
}

Awaitable<Response> resolve_incident(Context& context) {
    auto incident = find_incident(context);
    if (!incident) co_return std::move(incident.refusal);
    auto const reason = Members(context.request).text("reason").value_or("");
    Event event = ResolvedBy{context.request.actor, incident->id, reason};
    auto const reply = co_await context.host.submit(std::move(event));
    co_return answer_incident(context, reply);
}

Awaitable<Response> abort_incident(Context& context) {
    auto incident = find_incident(context);
    if (!incident) co_return std::move(incident.refusal);
    Event event = Aborted{context.request.actor, incident->id};
    auto const reply = co_await context.host.submit(std::move(event));
    co_return answer_incident(context, reply);
}

Awaitable<Response> judge_incident(Context& context) {
    auto incident = find_incident(context);
    if (!incident) co_return std::move(incident.refusal);
    Members const members(context.request);
    auto const verdict = members.text("verdict").value();
    auto const reason = members.text("reason").value_or("");
    Event event = VerdictGiven{context.request.actor, incident->id, verdict, reason};
    auto const reply = co_await context.host.submit(std::move(event));
    co_return answer_incident(context, reply);
}

Awaitable<Response> approve_incident(Context& context) {
    auto incident = find_incident(context);
    if (!incident) co_return std::move(incident.refusal);
    Members const members(context.request);
    auto const hash = members.text("plan").value();
    auto const force = members.boolean("force").value_or(false);

    Approved approved;
    approved.force = force;
    approved.actor = context.request.actor;
    approved.incident = incident->id;
    approved.plan = hash;
    // Every guard is judged again on what the world says now. A second approve of the same plan
    // asks nothing: the engine answers the run it already has.
    if (auto const plan = waiting_plan(*incident, hash)) {
        auto question = context.engine().ask_for(*plan);
        approved.answer = co_await context.host.ask(std::move(question));
    }
    Event event = std::move(approved);
    auto const reply = co_await context.host.submit(std::move(event));
    co_return answer_run(context, reply, 200);
}

Awaitable<Response> reject_incident(Context& context) {
    auto incident = find_incident(context);
    if (!incident) co_return std::move(incident.refusal);
    auto const hash = Members(context.request).text("plan").value();
    Event event = Rejected{context.request.actor, incident->id, hash};
    auto const reply = co_await context.host.submit(std::move(event));
    co_return answer_incident(context, reply);
}

Awaitable<Response> confirm_step(Context& context) {
    auto incident = find_incident(context);
    if (!incident) co_return std::move(incident.refusal);
    auto const n = number_of(context);
    Members members(context.request);
    auto const outcome = members.text("outcome");
    auto const reason = members.text("reason").value_or("");
    if (!outcome && needs_outcome(*incident, n)) {
        members.mistake("outcome", "say whether the step took effect: done or not_done");
    }
    if (auto refusal = members.refusal()) co_return *std::move(refusal);
    StepConfirmed confirmed;
    confirmed.actor = context.request.actor;
    confirmed.incident = incident->id;
    confirmed.n = n;
    confirmed.outcome = outcome.value_or("done");
    confirmed.reason = reason;
    Event event = std::move(confirmed);
    auto const reply = co_await context.host.submit(std::move(event));
    co_return answer_incident(context, reply);
}

Awaitable<Response> confirm_duty(Context& context) {
    auto incident = find_incident(context);
    if (!incident) co_return std::move(incident.refusal);
    auto const n = number_of(context);
    Members members(context.request);
    auto const outcome = members.text("outcome").value_or("done");
    auto const reason = members.text("reason").value_or("");
    if (outcome == "does_not_apply" && reason.empty()) {
        members.mistake("reason", "say why the duty does not apply");
    }
    if (auto refusal = members.refusal()) co_return *std::move(refusal);
    DutyConfirmed confirmed;
    confirmed.actor = context.request.actor;
    confirmed.incident = incident->id;
    confirmed.n = n;
    confirmed.outcome = outcome;
    confirmed.reason = reason;
    Event event = std::move(confirmed);
    auto const reply = co_await context.host.submit(std::move(event));
    co_return answer_incident(context, reply);
}

}  // namespace rollbackd::api

// Reading incidents: lists, one, its timeline, its reasons, its report, its evidence.
#include "api/explain.hpp"
#include "api/handlers.hpp"
#include "api/lookup.hpp"
#include "api/page.hpp"
#include "api/render.hpp"
#include "api/report.hpp"
#include "engine/planning.hpp"

namespace rollbackd::api {

namespace {

struct Filter {
    std::string service;
    std::optional<Severity> severity;
    std::optional<IncidentState> state;

    bool keeps(Incident const& incident) const {
        if (!service.empty() && incident.service != service) return false;
        if (severity && incident.severity != *severity) return false;
        return !state || incident.state == *state;
    }
};

Filter filter_of(Request const& request) {
    Filter filter;
    filter.service = request.query_value("service");
    filter.severity = enum_from<Severity>(request.query_value("severity"));
    filter.state = enum_from<IncidentState>(request.query_value("state"));
    return filter;
}

/// Items that are only ever appended to: their place is their key.
template <class T>
std::vector<std::pair<std::size_t, T const*>> numbered(std::vector<T> const& items) {
    std::vector<std::pair<std::size_t, T const*>> out;
    for (auto const& item : items) out.emplace_back(out.size() + 1, &item);
    return out;
}

template <class T>
std::string number_key(std::pair<std::size_t, T const*> const& item) {
    return std::to_string(item.first);
}

/// Of its newest run.
StepRun const* find_step(Incident const& incident, std::uint64_t n) {
    if (incident.runs.empty()) return nullptr;
    for (auto const& step : incident.runs.back().steps) {
        if (step.n == n) return &step;
    }
    return nullptr;
}

}  // namespace

Response list_incidents(Context& context) {
    auto const filter = filter_of(context.request);
    auto const& state = context.state();
    std::vector<Incident const*> kept;
    for (auto id = state.incident_order.rbegin(); id != state.incident_order.rend(); ++id) {
        auto const* const incident = state.incident(*id);
        if (incident != nullptr && filter.keeps(*incident)) kept.push_back(incident);
    }
    return answer_page(
        context.request, kept, [](Incident const* incident) { return incident->id; },
        [](Incident const* incident) { return render_incident(*incident); }
    );
}

Response get_incident(Context& context) {
    auto incident = find_incident(context);
    if (!incident) return std::move(incident.refusal);
    return answer(render_incident(*incident));
}

Response get_timeline(Context& context) {
    auto incident = find_incident(context);
    if (!incident) return std::move(incident.refusal);
    return answer_page(
        context.request, numbered(incident->timeline), number_key<TimelineEntry>,
        [](auto const& entry) { return to_json(*entry.second); }
    );
}

Response get_explain(Context& context) {
    auto incident = find_incident(context);
    if (!incident) return std::move(incident.refusal);
    auto const explanation = explain_incident(*incident, context.host.now());
    return answer_explanation(context.request, explanation);
}

Response get_plan(Context& context) {
    auto incident = find_incident(context);
    if (!incident) return std::move(incident.refusal);
    if (incident->runs.empty()) return refuse(404, incident->id + " has no plan");
    auto const& run = incident->runs.back();
    JsonObject body;
    body["plan"] = render_plan(run.plan, run.planned_at.wall, restored_as_of(run));
    body["would"] = context.host.dry_run(run.plan);
    return answer(body);
}

Response get_step_output(Context& context) {
    auto incident = find_incident(context);
    if (!incident) return std::move(incident.refusal);
    auto const n = parse_number(context.request.param("n"));
    auto const* const step = n ? find_step(*incident, *n) : nullptr;
    if (step == nullptr) return refuse(404, "a step is named by its number, beginning with 1");
    bool const live = step->state == StepState::running;
    JsonObject body;
    body["n"] = step->n;
    body["state"] = to_string(step->state);
    body["text"] = live ? context.host.step_output(incident->runs.back().id, step->n) : step->text;
    body["live"] = live;
    return answer(body);
}

Response get_report(Context& context) {
    auto incident = find_incident(context);
    if (!incident) return std::move(incident.refusal);
    auto const now = context.host.now();
    if (wants_text(context.request, "text/markdown", "md")) {
        return answer_text(report_markdown(*incident, now), "text/markdown; charset=utf-8");
    }
    return answer(report_json(*incident, now));
}

Response get_evidence(Context& context) {
    auto incident = find_incident(context);
    if (!incident) return std::move(incident.refusal);
    return answer_page(
        context.request, numbered(incident->evidence), number_key<Evidence>,
        [](auto const& entry) { return render_evidence(*entry.second, true); }
    );
}

}  // namespace rollbackd::api

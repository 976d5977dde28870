// Services, signals and triggers as the API shows them.
#include "api/render.hpp"
#include "triggers/readings.hpp"

#include <algorithm>

namespace rollbackd::api {

namespace {

constexpr double nanoseconds_per_second = 1e9;

Json render_value(SampleValue const& value) {
    if (auto const* const state = std::get_if<StateValue>(&value)) {
        return to_json(std::string(state->ok ? "ok" : "failed"));
    }
    if (auto const* const counts = std::get_if<OutcomesValue>(&value)) {
        JsonObject out;
        out["success"] = counts->success;
        out["failure"] = counts->failure;
        out["neutral"] = counts->neutral;
        return out;
    }
    if (auto const* const gauge = std::get_if<GaugeValue>(&value)) return gauge->value;
    if (auto const* const text = std::get_if<TextValue>(&value)) return to_json(text->text);
    return nullptr;
}

std::string reason_of(SampleValue const& value) {
    if (auto const* const state = std::get_if<StateValue>(&value)) return state->reason;
    if (auto const* const counts = std::get_if<OutcomesValue>(&value)) return counts->reason;
    if (auto const* const gauge = std::get_if<GaugeValue>(&value)) return gauge->reason;
    if (auto const* const unknown = std::get_if<UnknownValue>(&value)) return unknown->reason;
    return {};
}

/// Beside the value: of what is either as it should be or not, whatever number it shows.
Json state_of(SampleValue const& value) {
    std::optional<bool> ok;
    if (auto const* const state = std::get_if<StateValue>(&value)) ok = state->ok;
    if (auto const* const gauge = std::get_if<GaugeValue>(&value)) ok = gauge->ok;
    return ok ? to_json(std::string(*ok ? "ok" : "failed")) : Json(nullptr);
}

Autonomy trigger_autonomy(
    Engine const& engine, ServicePolicy const& service, TriggerPolicy const& trigger
) {
    auto autonomy = std::min(effective_autonomy(engine, service), trigger.autonomy);
    auto const& demoted = engine.state().service(service.name).demoted;
    if (demoted.contains(trigger.name)) autonomy = std::min(autonomy, Autonomy::advise);
    return autonomy;
}

Json render_playbook(Playbook const& playbook, ServiceState const& state) {
    JsonObject out;
    out["name"] = playbook.name;
    out["undoes"] = to_string(playbook.undoes);
    out["risk"] = to_string(playbook.risk);
    out["data_loss"] = to_string(playbook.data_loss);
    out["approval"] = needs_approval(playbook);
    out["steps"] = playbook.steps.size();
    auto const known = state.readiness.find(playbook.name);
    bool const looked = known != state.readiness.end();
    out["ready"] = looked ? Json(known->second.ready) : Json(nullptr);
    out["ready_why"] = looked ? known->second.why : std::string();
    auto const drill = state.drills.find(playbook.name);
    out["drill"] = drill == state.drills.end() ? Json(nullptr) : render_drill(drill->second);
    return out;
}

/// Thresholds as numbers, so that a plot can draw them without reading the condition's language.
Json render_reading(SignalReading const& reading) {
    JsonObject out;
    out["signal"] = reading.signal;
    out["function"] = reading.function;
    out["window"] = reading.window ? Json(format_duration(*reading.window)) : Json(nullptr);
    out["comparison"] = reading.comparison;
    out["threshold"] = to_json(reading.threshold);
    return out;
}

Json render_window(ServicePolicy const& policy, ServiceState const& state, Now const& now) {
    auto const* const deployment = state.window ? state.deployment(*state.window) : nullptr;
    if (deployment == nullptr) return nullptr;
    JsonObject out;
    out["version"] = deployment->version;
    out["started_at"] = render_time(deployment->started_at.wall);
    out["until"] = render_instant(deployment->started_at.boot + policy.watch_window, now);
    return out;
}

}  // namespace

Json render_drill(Drill const& drill) {
    auto const seconds = [](Duration time) { return std::chrono::duration<double>(time).count(); };
    JsonObject out;
    out["incident"] = drill.incident;
    out["passed"] = drill.passed;
    out["broken_at"] = render_time(drill.broken_at);
    out["noticed_seconds"] = seconds(drill.noticed);
    out["acted_seconds"] = seconds(drill.acted);
    out["recovered_seconds"] = drill.recovered ? Json(seconds(*drill.recovered)) : Json(nullptr);
    out["passed_at"] = render_time(drill.passed_at);
    return out;
}

std::string response_text(rollbackd::Response const& response) {
    std::string rungs;
    for (auto const& rung : response.rungs) rungs += (rungs.empty() ? "" : ", ") + rung.run;
    if (response.kind == ResponseKind::ladder) return rungs;
    return to_string(response.kind) + (rungs.empty() ? "" : " " + rungs);
}

Autonomy effective_autonomy(Engine const& engine, ServicePolicy const& service) {
    auto autonomy = std::min(engine.policy().daemon.autonomy, service.autonomy);
    if (engine.untrusted(service.name)) autonomy = std::min(autonomy, Autonomy::advise);
    return autonomy;
}

Json render_sample(Sample const& sample, Now const& now) {
    JsonObject out;
    out["at"] = render_time(to_wall(sample.at, now));
    out["value"] = render_value(sample.value);
    if (auto const reason = reason_of(sample.value); !reason.empty()) out["reason"] = reason;
    if (auto const* const state = std::get_if<StateValue>(&sample.value)) {
        out["latency_seconds"] = double(state->latency.count()) / nanoseconds_per_second;
    }
    if (!sample.by.empty()) out["by"] = sample.by;
    return out;
}

Json render_signal(SignalPolicy const& policy, SignalWindow const* window, Now const& now) {
    JsonObject out;
    out["name"] = policy.name;
    out["kind"] = to_string(policy.kind);
    out["type"] = policy.type;
    bool const known = window != nullptr && window->newest().has_value();
    out["last_value"] = known ? render_value(window->newest()->value) : Json(nullptr);
    out["state"] = known ? state_of(window->newest()->value) : Json(nullptr);
    out["last_at"] = known ? render_time(to_wall(window->newest()->at, now)) : Json(nullptr);
    out["last_reason"] = known ? reason_of(window->newest()->value) : std::string();
    out["stale"] = window == nullptr || window->stale(now.boot);
    return out;
}

Json render_trigger(
    Engine const& engine, ServicePolicy const& service, TriggerPolicy const& trigger, Now const& now
) {
    auto const evaluation = engine.judge(service.name, trigger.name, now);
    auto const resolved = resolve(engine.policy(), service, trigger, trigger.classify);
    auto const* const track = engine.track(service.name, trigger.name);
    bool const is_true = evaluation.verdict == Verdict::true_;
    JsonObject out;
    out["name"] = trigger.name;
    out["verdict"] = to_string(evaluation.verdict);
    out["why"] = evaluation.why;
    out["severity"] = to_string(resolved.severity);
    out["count"] = to_json(evaluation.count);
    out["threshold"] = to_json(evaluation.threshold);
    auto const since = track == nullptr || !is_true ? std::nullopt : track->true_since;
    out["since"] = render_instant(since, now);
    out["firing"] = track != nullptr && track->firing;
    out["unstable"] = track != nullptr && track->flapping.is_unstable(now.boot);
    out["changes"] = track == nullptr ? 0 : track->flapping.count(now.boot);
    out["when"] = trigger.when.text();
    JsonArray reads;
    for (auto const& reading : readings_of(trigger.when)) reads.push_back(render_reading(reading));
    out["reads"] = std::move(reads);
    out["response"] = response_text(resolved.response);
    out["acting"] = is_acting(resolved);
    out["autonomy"] = to_string(trigger_autonomy(engine, service, trigger));
    return out;
}

Json render_service(Engine const& engine, ServicePolicy const& service, Now const& now) {
    auto const& state = engine.state().service(service.name);
    auto const target = engine.rollback_target(service.name);
    JsonObject out;
    out["name"] = service.name;
    out["autonomy"] = to_string(effective_autonomy(engine, service));
    out["untrusted"] = engine.untrusted(service.name);
    out["paused"] = state.paused || engine.state().paused;
    out["frozen_by"] = state.frozen_by.empty() ? Json(nullptr) : to_json(state.frozen_text());
    out["mode"] = state.mode();
    out["current"] = state.current.empty() ? Json(nullptr) : to_json(state.current);
    out["target"] = target ? to_json(*target) : Json(nullptr);
    out["target_why"] = target ? std::string() : target.error().what;
    out["watching"] = render_window(service, state, now);
    out["depends_on"] = to_json(service.depends_on);
    JsonArray incidents;
    for (auto const* const incident : open_incidents(engine.state(), service.name)) {
        incidents.push_back(to_json(incident->id));
    }
    out["open_incidents"] = std::move(incidents);
    JsonArray signals;
    for (auto const& signal : service.signals) {
        signals.push_back(render_signal(signal, engine.window(service.name, signal.name), now));
    }
    out["signals"] = std::move(signals);
    JsonArray triggers;
    for (auto const& trigger : service.triggers) {
        triggers.push_back(render_trigger(engine, service, trigger, now));
    }
    out["triggers"] = std::move(triggers);
    JsonArray playbooks;
    for (auto const& playbook : service.playbooks) {
        playbooks.push_back(render_playbook(playbook, state));
    }
    out["playbooks"] = std::move(playbooks);
    return out;
}

}  // namespace rollbackd::api

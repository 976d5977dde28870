#include "daemon/known_release.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

bool announces(SignalPolicy const& signal) {
    if (signal.type != "release") return false;
    auto const* const announce = signal.params.if_contains("announce");
    return announce == nullptr || !announce->is_bool() || announce->get_bool();
}

// It has put the version into effect, or was to undo it and has not; the one before was not seen
// since.
bool has_a_hand_in(Run const& run, KnownRelease::Change const& change) {
    bool const meant = run.plan.target == change.version || run.plan.blamed == change.version;
    if (!meant || !run.started_at) return false;
    auto const& over = run.steps_ended_at ? run.steps_ended_at : run.ended_at;
    return !over || over->boot >= change.before;
}

}  // namespace

std::optional<KnownRelease::Change> KnownRelease::read(std::string const& text, Instant at) {
    if (text == *settled) {
        settled_at = at;
        readings = 0;
        return std::nullopt;
    }
    if (readings == 0 || text != candidate) {
        candidate = text;
        readings = 0;
    }
    if (++readings < readings_wanted) return std::nullopt;
    Change change{text, settled_at};
    settled = text;
    settled_at = at;
    readings = 0;
    return change;
}

std::optional<KnownRelease::Change> KnownRelease::look(
    SignalWindow const& window, std::string const& recorded, Instant began, Now now
) {
    constexpr std::size_t looked_at_max = 64;
    if (!settled && !recorded.empty() && !window.text_at(began)) {
        settled = recorded;
        settled_at = began;
    }
    auto const at = window.known_at(now.boot);
    if (!at || last == at) return std::nullopt;
    std::optional<Change> newest;
    auto const from = last.value_or(Instant::min());
    for (auto const& sample : window.recent(looked_at_max, {from, now.boot})) {
        auto const* const text = std::get_if<TextValue>(&sample.value);
        if (text == nullptr || text->text.empty()) continue;
        if (!settled) {
            settled = text->text;
            settled_at = sample.at;
        }
        if (auto change = read(text->text, sample.at)) newest = std::move(change);
    }
    last = at;
    return newest;
}

bool is_unannounced(
    State const& state, std::string const& service, KnownRelease::Change const& change
) {
    auto const& known = state.service(service);
    if (known.current == change.version || !version_problem(change.version).empty()) return false;
    // Announced before the old one was seen for the last time, it was in effect then, or is by now.
    bool const recorded =
        std::any_of(known.deployments.begin(), known.deployments.end(), [&](Deployment const& one) {
            bool const waits = known.waiting_window == one.id;
            return one.version == change.version &&
                   (waits || one.recorded_at.boot >= change.before);
        });
    if (recorded) return false;
    return std::none_of(state.incidents.begin(), state.incidents.end(), [&](auto const& entry) {
        auto const& incident = *entry.second;
        if (incident.service != service) return false;
        return std::any_of(incident.runs.begin(), incident.runs.end(), [&](Run const& run) {
            return has_a_hand_in(run, change);
        });
    });
}

std::vector<DeploymentPosted> KnownReleases::look(Engine const& engine, Now now) {
    std::vector<DeploymentPosted> out;
    for (auto const& service : engine.policy().services) {
        for (auto const& signal : service.signals) {
            auto const* const window =
                announces(signal) ? engine.window(service.name, signal.name) : nullptr;
            if (window == nullptr) continue;
            auto const& recorded = engine.state().service(service.name).current;
            auto& known = known_[service.name + "/" + signal.name];
            auto const change = known.look(*window, recorded, began_, now);
            if (!change || !is_unannounced(engine.state(), service.name, *change)) continue;
            DeploymentPosted event;
            event.actor.name = "signal " + signal.name;
            event.service = service.name;
            event.version = change->version;
            // It happened after the last look that still saw the old one: failures since then are
            // its own.
            event.started_at = to_wall(std::max(change->before, now.boot - started_back_max), now);
            out.push_back(std::move(event));
        }
    }
    return out;
}

}  // namespace rollbackd

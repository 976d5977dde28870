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

std::optional<Instant> in_effect_since(State const& state, std::string const& service) {
    auto const& known = state.service(service);
    std::optional<Instant> since;
    auto const consider = [&since](Moment const& moment) {
        since = std::max(since.value_or(moment.boot), moment.boot);
    };
    for (auto const& deployment : known.deployments) {
        if (deployment.version != known.current || !deployment.in_effect) continue;
        // However late it was written down: a signal's word was true when it was read, and who
        // announces may be slow. Another release that was seen by then is news.
        auto const& begun = std::min(
            deployment.started_at, deployment.recorded_at,
            [](Moment const& one, Moment const& other) { return one.boot < other.boot; }
        );
        consider(deployment.seen_at.value_or(begun));
    }
    for (auto const& [id, incident] : state.incidents) {
        if (incident->service != service) continue;
        for (auto const& run : incident->runs) {
            // What was seen while it ran may be there still, whatever its steps say of themselves.
            if (run.plan.target == known.current && run.steps_ended_at) {
                consider(run.started_at.value_or(*run.steps_ended_at));
            }
        }
    }
    return since;
}

std::optional<KnownRelease::Change> KnownRelease::read(
    std::string const& text, std::string const& recorded, Instant at
) {
    auto const before = std::exchange(read_at, at);
    if (shown != text) {
        if (!settled) settled = text;
        others_until = shown ? std::optional(before) : std::nullopt;
        shown = text;
        readings = 0;
    }
    readings = std::min(readings + 1, readings_wanted + 1);
    if (readings != readings_wanted) return std::nullopt;
    // What comes back after another that was seen too shortly is news only to who has recorded that
    // one: a rollback that somebody has undone.
    bool const same = !others_until || (settled == text && recorded.empty());
    settled = text;
    if (same) return std::nullopt;
    return Change{text, *others_until, at};
}

std::optional<KnownRelease::Change> KnownRelease::look(
    SignalWindow const& window, std::string const& recorded, Instant since, Now now
) {
    // The first look goes back to what is recorded, over whatever could not be read since.
    constexpr std::size_t looked_at_max = 4096;
    if (!settled && !recorded.empty()) {
        settled = shown = window.text_at(since).value_or(recorded);
        read_at = window.known_at(since).value_or(since);
    }
    auto const at = window.known_at(now.boot);
    if (!at || last == at) return std::nullopt;
    std::optional<Change> newest;
    auto const from = last.value_or(settled ? read_at : Instant::min());
    for (auto const& sample : window.recent(looked_at_max, {from, now.boot})) {
        auto const* const text = std::get_if<TextValue>(&sample.value);
        if (text == nullptr || text->text.empty()) continue;
        if (auto change = read(text->text, recorded, sample.at)) newest = std::move(change);
    }
    last = at;
    return newest;
}

bool is_unannounced(
    State const& state, std::string const& service, KnownRelease::Change const& change
) {
    auto const& known = state.service(service);
    if (known.current == change.version || !version_problem(change.version).empty()) return false;
    // Whoever has recorded it since the old one was seen last knows, and so does who has recorded
    // anything since it had come to stay: that is older news, which a restart has brought back.
    bool const recorded =
        std::any_of(known.deployments.begin(), known.deployments.end(), [&](Deployment const& one) {
            if (!one.in_effect) return false;
            bool const waits = known.waiting_window == one.id;
            auto const at = one.seen_at.value_or(one.recorded_at).boot;
            return at > change.at ||
                   (one.version == change.version && (waits || at >= change.before));
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
            auto since = began_;
            // The first look alone needs it, and all incidents are gone through for it.
            if (!known.settled && !recorded.empty()) {
                auto const in_effect = in_effect_since(engine.state(), service.name);
                since = std::min(in_effect.value_or(began_), began_);
            }
            auto const change = known.look(*window, recorded, since, now);
            if (!change || !is_unannounced(engine.state(), service.name, *change)) continue;
            DeploymentPosted event;
            event.actor.name = "signal " + signal.name;
            event.service = service.name;
            event.version = change->version;
            event.seen_at = Moment{to_wall(change->at, now), change->at};
            // It happened after the last look that still saw the old one: failures since then are
            // its own.
            event.started_at = to_wall(std::max(change->before, now.boot - started_back_max), now);
            out.push_back(std::move(event));
        }
    }
    return out;
}

}  // namespace rollbackd

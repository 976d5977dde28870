// What was perceived, brought into line with the journal and kept over a restart.
#include "engine/sample_json.hpp"
#include "engine/senses.hpp"
#include "engine/shift.hpp"

#include <algorithm>

namespace rollbackd {

void Senses::sync(State const& state) {
    for (auto& [name, service] : services_) {
        auto const& known = state.service(name);
        std::optional<Instant> fired_at;
        auto const fires_in = [&](std::string const& incident_id, std::string const& trigger) {
            auto const* const incident = state.incident(incident_id);
            if (incident == nullptr) return false;
            for (auto const& firing : incident->triggers) {
                if (firing.trigger != trigger || firing.cleared || firing.raised) continue;
                fired_at = firing.fired_at.boot;
                return true;
            }
            return false;
        };
        for (auto& trigger : service.triggers) {
            auto const alert = known.alerts.find(trigger.policy->name);
            bool const firing =
                fires_in(known.incident, trigger.policy->name) ||
                (alert != known.alerts.end() && fires_in(alert->second, trigger.policy->name));
            // What was true on samples that count no more begins anew, or not at all.
            auto const judged = known.floor(trigger.policy->name);
            auto& true_since = trigger.track.true_since;
            bool const over = judged && true_since && *true_since <= *judged;
            if (over || (trigger.track.firing && !firing)) true_since.reset();
            // After a restart the windows may not know any more when it was true.
            if (firing) trigger.track.last_true = std::max(trigger.track.last_true, fired_at);
            trigger.track.firing = firing;
        }
    }
}

void Senses::look_ahead(State const& state, Now now) {
    for (auto& [name, service] : services_) {
        for (auto& trigger : service.triggers) {
            auto asked = context(service, state, now);
            asked.rules = trigger.policy->rules;
            asked.ignore_before = floor(service, trigger, state);
            auto& track = trigger.track;
            track.last = evaluate(trigger.policy->when, asked, false);
            bool const is_true = track.last.verdict == Verdict::true_;
            // Nobody listened for a while, or the signal is another now: it begins anew.
            if (!is_true) track.true_since.reset();
            // Absence has its deadlines though no sample ever comes.
            bool const due = trigger.by_absence && is_true && !track.firing;
            if (due) track.last.changes_at = now.boot + Duration(1);
        }
    }
}

// Windows of a checkpoint older than the end of an incident still show its breach, and not the
// good samples that ended it: what that incident has judged is never judged again.
void Senses::forget_judged(State const& state) {
    for (auto const& [id, incident] : state.incidents) {
        if (!saved_at_) return;
        if (!incident->resolved_at || incident->resolved_at->boot <= *saved_at_) continue;
        auto const service = services_.find(incident->service);
        if (service == services_.end()) continue;
        for (auto& trigger : service->second.triggers) {
            bool const judged = std::any_of(
                incident->triggers.begin(), incident->triggers.end(),
                [&](Firing const& firing) { return firing.trigger == trigger.policy->name; }
            );
            if (!judged) continue;
            auto& to = trigger.track.judged_to;
            to = std::max(to.value_or(incident->resolved_at->boot), incident->resolved_at->boot);
            trigger.track.true_since.reset();
        }
    }
}

Json Senses::save(Now now, std::string const& boot_id) const {
    JsonObject services;
    for (auto const& [name, service] : services_) {
        JsonObject windows;
        for (auto const& [signal, window] : service.windows) windows[signal] = window.save();
        JsonArray held;
        for (auto const& [signal, samples] : service.held) {
            for (auto const& sample : samples) held.push_back(sample_to_json(sample));
        }
        JsonObject tracks;
        for (auto const& trigger : service.triggers) {
            JsonObject track{{"held", trigger.track.held}};
            if (trigger.track.true_since) track["true_since"] = to_json(*trigger.track.true_since);
            if (trigger.track.last_true) track["last_true"] = to_json(*trigger.track.last_true);
            if (trigger.track.judged_to) track["judged_to"] = to_json(*trigger.track.judged_to);
            track["flapping"] = to_json(trigger.track.flapping);
            tracks[trigger.policy->name] = std::move(track);
        }
        JsonObject saved{
            {"windows", std::move(windows)},
            {"tracks", std::move(tracks)},
            {"untrusted", service.untrusted}
        };
        if (!held.empty()) saved["held"] = std::move(held);
        if (service.held_until) saved["held_until"] = to_json(*service.held_until);
        services[name] = std::move(saved);
    }
    return JsonObject{
        {"format", 1},
        {"boot_id", boot_id},
        {"at", to_json(now.wall)},
        {"boot", to_json(now.boot)},
        {"services", std::move(services)}
    };
}

Result<void> Senses::load(Json const& saved, Now now, std::string const& boot_id) {
    try {
        Instant saved_boot{};
        WallTime saved_at{};
        if (auto const* boot = find(saved, "boot")) from_json(*boot, saved_boot);
        if (auto const* at = find(saved, "at")) from_json(*at, saved_at);
        Duration shift{};
        if (text_of(saved, "boot_id") != boot_id) {
            shift = to_instant(std::min(saved_at, now.wall), now) - saved_boot;
        }
        saved_at_ = saved_boot + shift;
        auto const* const services = find(saved, "services");
        if (services == nullptr || !services->is_object()) {
            return fail(Errc::corrupt, "a windows checkpoint without services");
        }
        for (auto& [name, service] : services_) {
            auto const* const entry = find(*services, name);
            if (entry == nullptr) continue;
            for (auto& [signal, window] : service.windows) {
                auto const* const text = find_pointer(*entry, "/windows/" + signal);
                if (text == nullptr) continue;
                auto loaded = SignalWindow::load(window.rules(), *text);
                if (!loaded) continue;  // a cache: what cannot be read is collected anew
                if (shift != Duration::zero()) loaded->shift(shift);
                window = std::move(*loaded);
                window.listen_from(now.boot);  // nobody listened while we were away
            }
            for (auto& trigger : service.triggers) {
                auto const* const track = find_pointer(*entry, "/tracks/" + trigger.policy->name);
                if (track == nullptr) continue;
                if (auto const* held = find(*track, "held")) from_json(*held, trigger.track.held);
                auto const read = [&](char const* key, std::optional<Instant>& out) {
                    auto const* const member = find(*track, key);
                    if (member == nullptr) return;
                    from_json(*member, out);
                    if (out) *out += shift;
                };
                read("true_since", trigger.track.true_since);
                read("last_true", trigger.track.last_true);
                read("judged_to", trigger.track.judged_to);
                if (auto const* flapping = find(*track, "flapping")) {
                    from_json(*flapping, trigger.track.flapping);
                    shift_instants(trigger.track.flapping, shift);
                }
            }
            if (auto const* flag = find(*entry, "untrusted")) from_json(*flag, service.untrusted);
            if (auto const* until = find(*entry, "held_until")) {
                from_json(*until, service.held_until);
                // Its end may have passed meanwhile: then it is now.
                if (service.held_until) {
                    service.held_until =
                        std::max(*service.held_until + shift, now.boot + Duration(1));
                }
            }
            if (auto const* held = find(*entry, "held"); held != nullptr && held->is_array()) {
                for (auto const& item : held->get_array()) {
                    auto sample = sample_from_json(item);
                    if (!sample) continue;
                    sample->at += shift;
                    service.held[sample->signal].push_back(std::move(*sample));
                }
            }
        }
    } catch (std::exception const& problem) {
        return fail(Errc::corrupt, problem.what());
    }
    return {};
}

}  // namespace rollbackd

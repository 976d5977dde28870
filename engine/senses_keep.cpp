// What was perceived, brought into line with the journal and kept over a restart.
#include "engine/sample_json.hpp"
#include "engine/senses.hpp"
#include "engine/shift.hpp"

#include <algorithm>

namespace rollbackd {

// A reload may have taken a trigger away while an incident of it is open: that it is over is
// noticed all the same, and so is that it is true again.
void Senses::keep_removed(ServiceSense& service, State const& state) {
    std::map<std::string, Firing const*> wanted;
    auto const want = [&](std::string const& id) {
        auto const* const incident = state.incident(id);
        if (incident == nullptr) return;
        for (auto const& firing : incident->triggers) {
            bool const removed = service.policy->trigger(firing.trigger) == nullptr;
            if (removed && !firing.cleared && !firing.raised) wanted[firing.trigger] = &firing;
        }
    };
    auto const& known = state.service(service.policy->name);
    want(known.incident);
    for (auto const& [trigger, id] : known.alerts) want(id);

    auto const own = service.policy->triggers.size();
    if (wanted.empty() && service.triggers.size() == own) {
        service.removed.clear();
        return;
    }
    for (auto i = own; i < service.triggers.size(); ++i) {
        auto& trigger = service.triggers[i];
        service.removed[trigger.policy->name] = std::move(trigger.track);
    }
    service.triggers.resize(own);
    for (auto& [signal, readers] : service.readers) {
        std::erase_if(readers, [own](std::size_t reader) { return reader >= own; });
    }
    for (auto const& [name, firing] : wanted) {
        TriggerPolicy policy;
        policy.name = name;
        policy.when = parsed(firing->when);
        policy.resolve_after = firing->resolve_after;
        policy.rules = firing->rules;
        TriggerSense made;
        made.kept = std::make_shared<TriggerPolicy const>(std::move(policy));
        made.policy = made.kept.get();
        made.by_absence = can_be_true_by_absence(made.policy->when);
        made.by_fact = made.policy->when.asks_facts();
        made.track = std::move(service.removed[name]);
        add(service, std::move(made));
    }
    service.removed.clear();
}

void Senses::sync(State const& state) {
    for (auto& [name, service] : services_) {
        auto const& known = state.service(name);
        keep_removed(service, state);
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
            if (trigger.track.firing && !firing && trigger.by_absence) {
                trigger.look_again = true;
                facts_moved_ = true;
            }
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
        if (!service.waited.empty()) saved["waited"] = to_json(service.waited);
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

// Those of triggers that are not in the policy wait for the incident that keeps them.
void Senses::load_tracks(ServiceSense& service, Json const& tracks, Duration shift) {
    for (auto const& [name, saved] : tracks.as_object()) {
        auto const known = std::find_if(
            service.triggers.begin(), service.triggers.end(),
            [&name = name](TriggerSense const& trigger) { return trigger.policy->name == name; }
        );
        auto& track = known == service.triggers.end() ? service.removed[name] : known->track;
        if (auto const* held = find(saved, "held")) from_json(*held, track.held);
        auto const read = [&saved = saved, shift](char const* key, std::optional<Instant>& out) {
            auto const* const member = find(saved, key);
            if (member == nullptr) return;
            from_json(*member, out);
            if (out) *out += shift;
        };
        read("true_since", track.true_since);
        read("last_true", track.last_true);
        read("judged_to", track.judged_to);
        if (auto const* flapping = find(saved, "flapping")) {
            from_json(*flapping, track.flapping);
            shift_instants(track.flapping, shift);
        }
    }
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
            if (auto const* const tracks = find(*entry, "tracks")) {
                load_tracks(service, *tracks, shift);
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
            if (auto const* waited = find(*entry, "waited")) {
                from_json(*waited, service.waited);
                for (auto& one : service.waited) shift_instants(one, shift);
            }
            if (auto const* held = find(*entry, "held"); held != nullptr && held->is_array()) {
                for (auto const& item : held->get_array()) {
                    auto sample = sample_from_json(item);
                    if (!sample) continue;
                    sample->at += shift;
                    auto const window = service.windows.find(sample->signal);
                    if (window != service.windows.end()) window->second.hear(sample->at);
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

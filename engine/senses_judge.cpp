// Questions about what was perceived, and how it is kept over a restart.
#include "engine/senses.hpp"

#include "core/ensure.hpp"
#include "engine/sample_json.hpp"
#include "engine/shift.hpp"

#include <algorithm>

namespace rollbackd {

Senses::ServiceSense const* Senses::find_service(std::string_view name) const {
    auto const found = services_.find(name);
    return found == services_.end() ? nullptr : &found->second;
}

Senses::TriggerSense const* Senses::find_trigger(ServiceSense const& service, std::string_view name)
    const {
    auto const found = std::find_if(
        service.triggers.begin(), service.triggers.end(),
        [&](TriggerSense const& trigger) { return trigger.policy->name == name; }
    );
    return found == service.triggers.end() ? nullptr : &*found;
}

Condition const& Senses::parsed(std::string const& text) const {
    auto& slot = conditions_[text];
    if (!slot) {
        auto made = Condition::parse(text);
        // Only conditions that configuration accepted come here.
        ensure(made.has_value(), "a condition of the policy parses");
        slot = std::make_shared<Condition const>(std::move(*made));
    }
    return *slot;
}

EvalContext Senses::context(ServiceSense const& service, State const& state, Now now) const {
    EvalContext out;
    out.now = now.boot;
    out.signal = [&service](std::string_view name) -> SignalWindow const* {
        auto const found = service.windows.find(name);
        return found == service.windows.end() ? nullptr : &found->second;
    };
    auto const& known = state.service(service.policy->name);
    auto const* const deployment =
        known.window ? known.deployment(*known.window) : known.current_deployment();
    if (deployment != nullptr) out.deployed_at = deployment->started_at.boot;
    out.baked = [&state](std::string_view name) {
        auto const& other = state.service(name);
        auto const version = other.versions.find(other.current);
        return version != other.versions.end() && version->second.standing == Standing::known_good;
    };
    return out;
}

std::optional<Instant> Senses::floor(
    ServiceSense const& service, TriggerSense const& trigger, State const& state
) {
    auto const known = state.service(service.policy->name).floor(trigger.policy->name);
    auto const& judged = trigger.track.judged_to;
    if (!known || !judged) return known ? known : judged;
    return std::max(*known, *judged);
}

std::optional<Instant> Senses::start_period_end(
    ServicePolicy const& service, State const& state, Instant at
) const {
    if (service.start_period == Duration::zero()) return std::nullopt;
    std::optional<Instant> end;
    auto const consider = [&](Instant start) {
        if (at < start || at >= start + service.start_period) return;
        end = std::max(end.value_or(start + service.start_period), start + service.start_period);
    };
    consider(Instant{});  // host boot: the boot clock's zero
    auto const& deployments = state.service(service.name).deployments;
    if (!deployments.empty()) {
        consider(deployments.back().started_at.boot);
        consider(deployments.back().recorded_at.boot);
    }
    return end;
}

Track const* Senses::track(std::string_view service, std::string_view trigger) const {
    auto const* const known = find_service(service);
    auto const* const sense = known == nullptr ? nullptr : find_trigger(*known, trigger);
    return sense == nullptr ? nullptr : &sense->track;
}

SignalWindow const* Senses::window(std::string_view service, std::string_view signal) const {
    auto const* const known = find_service(service);
    if (known == nullptr) return nullptr;
    auto const found = known->windows.find(signal);
    return found == known->windows.end() ? nullptr : &found->second;
}

Evaluation Senses::judge(
    std::string_view service, std::string_view trigger, State const& state, Now now
) const {
    auto const* const known = find_service(service);
    auto const* const sense = known == nullptr ? nullptr : find_trigger(*known, trigger);
    if (sense == nullptr) return {Verdict::unknown, "no such trigger", {}, {}, {}, {}, 0, {}};
    if (sense->track.held) {
        return {Verdict::unknown, "start_period", {}, {}, {}, JsonObject{}, 0, known->held_until};
    }
    auto asked = context(*known, state, now);
    asked.rules = sense->policy->rules;
    asked.ignore_before = floor(*known, *sense, state);
    return evaluate(sense->policy->when, asked, true);
}

Evaluation Senses::evaluate_text(
    std::string_view service, std::string const& condition, JudgeRules const& rules,
    std::optional<Instant> ignore_before, std::optional<Instant> streaks_since, State const& state,
    Now now, bool quiet_is_zero
) const {
    auto const* const known = find_service(service);
    if (known == nullptr) {
        return {Verdict::unknown, "the service is no longer configured", {}, {}, {}, {}, 0, {}};
    }
    auto asked = context(*known, state, now);
    asked.rules = rules;
    asked.ignore_before = ignore_before;
    asked.streaks_since = streaks_since;
    asked.quiet_is_zero = quiet_is_zero;
    return evaluate(parsed(condition), asked, true);
}

Before Senses::before(
    std::string_view service, std::string_view trigger, Instant when, State const& state
) const {
    auto const* const known = find_service(service);
    auto const* const sense = known == nullptr ? nullptr : find_trigger(*known, trigger);
    if (sense == nullptr) return {};
    auto asked = context(*known, state, Now{when, {}});
    asked.widen = known->policy->watch_window;
    asked.streaks_since = when - known->policy->watch_window;
    auto found = evaluate(sense->policy->when, asked, true);
    // A verified run, or a person, has ended what was bad: what counts then is what followed.
    auto const ended = floor(*known, *sense, state);
    if (ended && *ended < when && found.verdict == Verdict::true_) {
        asked.ignore_before = ended;
        found = evaluate(sense->policy->when, asked, true);
    }
    // What the deployment before this one has broken, and still waits to be judged, was no health.
    if (holds(service, sense->policy->when.text(), *asked.streaks_since, when)) {
        return {Verdict::unknown, found.successes, "start_period"};
    }
    return {found.verdict, found.successes, found.why};
}

bool Senses::enough_good(
    std::string_view service, std::string const& condition, ResolveAfter const& resolve_after,
    Instant since, Now now
) const {
    if (resolve_after.duration) return now.boot >= since + *resolve_after.duration;
    auto const* const known = find_service(service);
    if (known == nullptr) return false;
    std::uint64_t best = 0;
    for (auto const& name : parsed(condition).signals()) {
        auto const window = known->windows.find(name);
        if (window == known->windows.end()) continue;
        // Alertmanager says once that an alert is over, and not again.
        auto const* const policy = known->policy->signal(name);
        bool const said_once = policy != nullptr && policy->type == "alerts";
        auto const kind = window->second.rules().kind;
        bool const counted = kind == SignalKind::state || kind == SignalKind::outcomes;
        Range const range{since, now.boot};
        auto const good =
            counted ? window->second.counts(range).success : window->second.samples(range);
        if (said_once && good > 0) return true;
        best = std::max(best, good);
    }
    return best >= resolve_after.samples;
}

bool Senses::holds(
    std::string_view service, std::string const& condition, Instant since, Instant until
) const {
    auto const* const known = find_service(service);
    if (known == nullptr || known->held.empty()) return false;
    for (auto const& signal : parsed(condition).signals()) {
        auto const held = known->held.find(signal);
        if (held == known->held.end()) continue;
        bool const newer =
            std::any_of(held->second.begin(), held->second.end(), [&](Sample const& sample) {
                return sample.at > since && sample.at <= until;
            });
        if (newer) return true;
    }
    return false;
}

Instant Senses::last_true(
    std::string_view service, std::string const& condition, JudgeRules const& rules, Instant since,
    State const& state, Now now
) const {
    constexpr std::size_t looks_max = 200;
    Instant last = since;
    for (auto const& name : parsed(condition).signals()) {
        auto const* const known = window(service, name);
        if (known == nullptr) continue;
        // It turns true at samples: the newest at which it was, and until the one after that.
        auto const samples = known->recent(looks_max, {since, now.boot});
        Instant until = now.boot;
        for (auto sample = samples.rbegin(); sample != samples.rend(); ++sample) {
            Now const then{sample->at, now.wall};
            auto const found =
                evaluate_text(service, condition, rules, since, std::nullopt, state, then);
            if (found.verdict == Verdict::true_) {
                last = std::max(last, until);
                break;
            }
            until = sample->at;
        }
    }
    return last;
}

bool Senses::fresh_and_good(std::string_view service, Instant since, Now now) const {
    auto const* const known = find_service(service);
    // Failures that wait for the end of a start_period are newer than what the windows show.
    if (known == nullptr || !known->held.empty()) return false;
    bool good = false;
    for (auto const& [name, window] : known->windows) {
        auto const* const policy = known->policy->signal(name);
        if (policy != nullptr && policy->is_probe && window.stale(now.boot)) return false;
        auto const& newest = window.newest();
        if (!newest || newest->at < since) continue;
        if (is_failure(*newest)) return false;
        bool const idle = newest->value == SampleValue(OutcomesValue{});  // asked: nothing happened
        good = good || (!idle && !std::holds_alternative<UnknownValue>(newest->value));
    }
    return good;
}

bool Senses::awaits_confirmation(std::string_view service, std::string_view signal) const {
    auto const* const known = find_service(service);
    if (known == nullptr) return false;
    auto const window = known->windows.find(signal);
    if (window == known->windows.end()) return false;
    auto const& newest = window->second.newest();
    auto const held = known->held.find(std::string(signal));
    bool const waits = held != known->held.end() && !held->second.empty();
    if (waits || !newest || !is_failure(*newest)) return false;
    auto const readers = known->readers.find(signal);
    if (readers == known->readers.end()) return false;
    return std::any_of(readers->second.begin(), readers->second.end(), [&](std::size_t reader) {
        auto const& trigger = known->triggers[reader];
        return !trigger.track.firing && trigger.policy->when.uses("consecutive_failures");
    });
}

bool Senses::untrusted(std::string_view service) const {
    auto const* const known = find_service(service);
    return known != nullptr && known->untrusted;
}

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
            if (trigger.track.firing && !firing) trigger.track.true_since.reset();
            // After a restart the windows may not know any more when it was true.
            if (firing) trigger.track.last_true = std::max(trigger.track.last_true, fired_at);
            trigger.track.firing = firing;
        }
    }
}

void Senses::look_ahead(State const& state, Now now) {
    for (auto& [name, service] : services_) {
        for (auto& trigger : service.triggers) {
            if (!trigger.by_absence) continue;
            auto asked = context(service, state, now);
            asked.rules = trigger.policy->rules;
            asked.ignore_before = floor(service, trigger, state);
            auto& track = trigger.track;
            track.last = evaluate(trigger.policy->when, asked, false);
            bool const due = track.last.verdict == Verdict::true_ && !track.firing;
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

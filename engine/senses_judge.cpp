// Questions about what was perceived.
#include "engine/senses.hpp"

#include "core/ensure.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

// What baseline(s) lies before: the deployment that may be blamed, and once a run has taken it
// back, that one still, for what it broke is mended when it is again as it was before it.
Deployment const* compared_with(State const& state, ServiceState const& known) {
    if (known.window) return known.deployment(*known.window);
    auto const* const incident = state.incident(known.incident);
    if (incident != nullptr && incident->blamed) {
        for (auto at = known.deployments.rbegin(); at != known.deployments.rend(); ++at) {
            if (at->version == *incident->blamed) return &*at;
        }
    }
    return known.current_deployment();
}

}  // namespace

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
    auto const* const deployment = compared_with(state, known);
    if (deployment != nullptr) out.deployed_at = deployment->started_at.boot;
    out.baked = [&state](std::string_view name) { return state.service(name).baked(); };
    out.ready = [&known](std::string_view playbook) -> std::optional<ReadyFact> {
        auto const found = known.readiness.find(std::string(playbook));
        if (found == known.readiness.end()) return std::nullopt;
        return ReadyFact{found->second.ready, found->second.why};
    };
    out.drilled = [&known](std::string_view playbook) -> DrillFact {
        auto const found = known.drills.find(std::string(playbook));
        if (found == known.drills.end() || !found->second.passed_at) return std::nullopt;
        return found->second.passed_at->boot;
    };
    out.mode = [&state](std::string_view name) { return state.service(name).mode(); };
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

namespace {

Evaluation not_configured() {
    return {Verdict::unknown, "the service is no longer configured", {}, {}, {}, {}, 0, {}};
}

}  // namespace

Evaluation Senses::evaluate_text(
    std::string_view service, std::string const& condition, JudgeRules const& rules,
    std::optional<Instant> ignore_before, State const& state, Now now, bool quiet_is_zero
) const {
    auto const* const known = find_service(service);
    if (known == nullptr) return not_configured();
    auto asked = context(*known, state, now);
    asked.rules = rules;
    asked.ignore_before = ignore_before;
    asked.quiet_is_zero = quiet_is_zero;
    asked.without_proof = true;
    return evaluate(parsed(condition), asked, true);
}

Evaluation Senses::prove_text(
    std::string_view service, std::string const& condition, JudgeRules const& rules,
    std::optional<Instant> ignore_before, std::optional<Instant> streaks_since, State const& state,
    Now now
) const {
    auto const* const known = find_service(service);
    if (known == nullptr) return not_configured();
    auto asked = context(*known, state, now);
    asked.rules = rules;
    asked.ignore_before = ignore_before;
    asked.streaks_since = streaks_since;
    return evaluate(parsed(condition), asked, true);
}

Before Senses::before(
    std::string_view service, std::string_view trigger, std::string const& condition, Instant when,
    State const& state
) const {
    auto const* const known = find_service(service);
    if (known == nullptr) return {};
    // An incident keeps its trigger, whatever a reload has made of it.
    auto const* const sense = find_trigger(*known, trigger);
    auto asked = context(*known, state, Now{when, {}});
    asked.widen = known->policy->watch_window;
    asked.streaks_since = when - known->policy->watch_window;
    auto found = evaluate(parsed(condition), asked, true);
    // A verified run, or a person, has ended what was bad: what counts then is what followed.
    auto const ended = sense != nullptr ? floor(*known, *sense, state)
                                        : state.service(service).floor(std::string(trigger));
    if (ended && *ended < when && found.verdict == Verdict::true_) {
        asked.ignore_before = ended;
        found = evaluate(parsed(condition), asked, true);
    }
    // What the deployment before this one has broken, and still waits to be judged, was no health.
    if (holds(service, condition, *asked.streaks_since, when)) {
        return {Verdict::unknown, found.successes, "start_period", condition};
    }
    return {found.verdict, found.successes, found.why, condition};
}

// A streak that is only too short yet is no health, however long one waits.
bool Senses::in_streak(ServiceSense const& service, Condition const& condition, Now now) {
    auto const read = condition.signals();
    return std::any_of(read.begin(), read.end(), [&](std::string const& name) {
        // What it asks otherwise, like failed(staging), may fail for ever.
        if (!condition.uses("consecutive_failures", name)) return false;
        auto const window = service.windows.find(name);
        if (window == service.windows.end()) return false;
        // Not the newest sample: one that could not say, or saw nothing happen, ends no streak.
        auto const judged = window->second.judged_at(now.boot);
        return judged && !judged->good;
    });
}

bool Senses::enough_good(
    std::string_view service, std::string const& condition, ResolveAfter const& resolve_after,
    Instant since, Now now
) const {
    auto const* const known = find_service(service);
    if (resolve_after.duration) {
        return now.boot >= since + *resolve_after.duration &&
               (known == nullptr || !in_streak(*known, parsed(condition), now));
    }
    if (known == nullptr) return false;
    if (parsed(condition).signals().empty()) return true;  // a fact is known or not
    std::uint64_t best = 0;
    for (auto const& name : parsed(condition).signals()) {
        auto const window = known->windows.find(name);
        if (window == known->windows.end()) continue;
        // Alertmanager says once that an alert is over, and not again.
        auto const* const policy = known->policy->signal(name);
        bool const said_once = policy != nullptr && policy->type == "alerts";
        auto const kind = window->second.rules().kind;
        bool const counted = kind == SignalKind::state || kind == SignalKind::outcomes;
        // With `by` what others deliver says nothing of the one that still fails.
        bool const streaks = parsed(condition).uses("consecutive_failures", name);
        if (streaks && window->second.streak_goes_on(now.boot, since)) continue;
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
    if (known == nullptr || (known->held.empty() && known->waited.empty())) return false;
    for (auto const& signal : parsed(condition).signals()) {
        // They were waiting then, whatever became of them since.
        bool const was_waiting =
            std::any_of(known->waited.begin(), known->waited.end(), [&](Waited const& one) {
                return one.signal == signal && one.first <= until && one.last > since &&
                       one.until > until;
            });
        if (was_waiting) return true;
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
            auto const found = evaluate_text(service, condition, rules, since, state, then);
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
        bool const silent = std::holds_alternative<UnknownValue>(newest->value);
        auto const judged = silent ? window.judged_at(now.boot) : std::nullopt;
        bool const failed_last = judged && judged->at >= since && !judged->good;
        if (failed_last) return false;
        bool const idle = newest->value == SampleValue(OutcomesValue{});  // asked: nothing happened
        good = good || (!idle && !silent);
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

}  // namespace rollbackd

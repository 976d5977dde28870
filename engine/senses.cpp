// The live path: samples in, edges out.
#include "engine/senses.hpp"

#include "core/ensure.hpp"
#include "engine/guards.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

using namespace std::chrono_literals;

constexpr Duration expire_every = 10s;
/// How far back a deployment may say it started.
constexpr Duration deployment_lateness_max = 1h;

// Counted, and nothing failed in it.
bool is_harmless(Sample const& sample) {
    if (sample.repeated) return false;
    if (auto const* state = std::get_if<StateValue>(&sample.value)) return state->ok;
    if (auto const* counts = std::get_if<OutcomesValue>(&sample.value)) return counts->failure == 0;
    return false;
}

// Some refused judgement of this trigger asked to see each further failure (A8, carried streak).
bool wants_again(State const& state, std::string const& service, std::string const& trigger) {
    auto const* const incident = state.incident(state.service(service).incident);
    if (incident == nullptr) return false;
    return std::any_of(
        incident->refusals.begin(), incident->refusals.end(),
        [&](Refusal const& refusal) { return refusal.carried && refusal.trigger == trigger; }
    );
}

// A run is on, or the world is being asked before one: what changes then is rollbackd's own doing,
// or a breach that has been noticed already, and no flapping.
bool is_attended(State const& state, std::string const& service) {
    auto const& known = state.service(service);
    auto const attended = [&](std::string const& id) {
        auto const* const incident = state.incident(id);
        return incident != nullptr && (incident->asking || active_run(*incident) != nullptr);
    };
    return attended(known.incident) ||
           std::any_of(known.alerts.begin(), known.alerts.end(), [&](auto const& alert) {
               return attended(alert.second);
           });
}

// Someone waits for this service's samples: a verification, an unverified run, a success list, a
// wait_until step, a bake that only lacks a fresh sample.
bool is_watched(State const& state, std::string const& service, Now now, Duration bake) {
    auto const& known = state.service(service);
    auto const runs = [&](std::string const& id) {
        auto const* const incident = state.incident(id);
        return incident != nullptr && (incident->state == IncidentState::verifying ||
                                       incident->state == IncidentState::unverified ||
                                       incident->state == IncidentState::acting);
    };
    if (runs(known.incident)) return true;
    for (auto const& [trigger, id] : known.alerts) {
        if (runs(id)) return true;  // a plan that was only proposed, and then approved
    }
    auto const* const deployment = known.window ? known.deployment(*known.window) : nullptr;
    if (deployment == nullptr || deployment->disturbed) return false;
    auto const version = known.versions.find(deployment->version);
    return version != known.versions.end() && version->second.standing == Standing::baking &&
           now.boot >= deployment->from().boot + bake;
}

// The same thing looked at, if more or less often: what it has said still holds.
bool tells_the_same(SignalPolicy const& before, SignalPolicy after) {
    after.every = before.every;
    after.timeout = before.timeout;
    after.confirm_every = before.confirm_every;
    after.stale_after = before.stale_after;
    return before == after;
}

std::optional<SignalWindow> kept_window(SignalWindow& window, WindowRules const& rules) {
    if (window.rules() == rules) return std::move(window);
    auto made = SignalWindow::load(rules, window.save());
    return made ? std::optional(std::move(*made)) : std::nullopt;
}

}  // namespace

void Senses::set_policy(std::shared_ptr<Policy const> policy, State const& state, Now now) {
    auto old_policy = std::move(policy_);
    policy_ = std::move(policy);
    std::map<std::string, ServiceSense, std::less<>> fresh;
    for (auto const& service : policy_->services) {
        auto const old = services_.find(service.name);
        ServiceSense sense;
        sense.policy = &service;
        if (old != services_.end()) {
            sense.untrusted = old->second.untrusted;
            sense.held_until = old->second.held_until;
            sense.waited = old->second.waited;
        }
        for (auto const& signal : service.signals) {
            WindowRules rules{
                signal.kind, service.watch_window + deployment_lateness_max, signal.stale_after
            };
            for (auto const& trigger : service.triggers) {
                auto const asked = trigger.when.window_of(signal.name) + deployment_lateness_max;
                rules.retention = std::max(rules.retention, asked);
            }
            if (old != services_.end()) {
                auto const kept = old->second.windows.find(signal.name);
                auto const* const before = old->second.policy->signal(signal.name);
                bool const same = kept != old->second.windows.end() && before != nullptr &&
                                  tells_the_same(*before, signal);
                auto window = same ? kept_window(kept->second, rules) : std::nullopt;
                if (window) {
                    auto& known =
                        sense.windows.emplace(signal.name, std::move(*window)).first->second;
                    // What waits of another signal for the end of a start_period is not this one's.
                    auto waits = old->second.held.extract(signal.name);
                    if (!waits.empty()) {
                        for (auto const& sample : waits.mapped()) known.hear(sample.at);
                        sense.held.insert(std::move(waits));
                    }
                    continue;
                }
            }
            auto& window = sense.windows.emplace(signal.name, SignalWindow(rules)).first->second;
            window.listen_from(now.boot);
        }
        for (auto const& trigger : service.triggers) {
            TriggerSense made{
                &trigger, can_be_true_by_absence(trigger.when), trigger.when.asks_facts(), {}
            };
            if (old != services_.end()) {
                auto const* const same = find_trigger(old->second, trigger.name);
                if (same != nullptr && same->policy->when == trigger.when) made.track = same->track;
            }
            add(sense, std::move(made));
        }
        if (old != services_.end()) {
            sense.removed = std::move(old->second.removed);
            for (auto& trigger : old->second.triggers) {
                sense.removed[trigger.policy->name] = std::move(trigger.track);
            }
        }
        fresh.emplace(service.name, std::move(sense));
    }
    services_ = std::move(fresh);
    sync(state);
    note_facts();
    look_ahead(state, now);
}

void Senses::add(ServiceSense& service, TriggerSense trigger) {
    trigger.track.held = false;
    for (auto const& signal : trigger.policy->when.signals()) {
        service.readers[signal].push_back(service.triggers.size());
        trigger.track.held = trigger.track.held || service.held.contains(signal);
    }
    service.triggers.push_back(std::move(trigger));
}

Edges Senses::observe(std::span<Sample const> samples, State const& state, Now now) {
    Edges edges;
    std::vector<std::string_view> watched;
    std::vector<Late> late;
    observed_deadline_ = Instant::max();
    for (auto const& raw : samples) {
        auto const found = services_.find(raw.service);
        if (found == services_.end()) continue;
        auto& service = found->second;
        auto const window = service.windows.find(raw.signal);
        if (window == service.windows.end()) continue;
        // What waited comes before what arrives after its end, or it would be late for its streak.
        if (service.held_until && now.boot >= *service.held_until) {
            release_held(service, state, now, edges);
        }

        Sample sample = raw;
        sample.at = std::clamp(sample.at, now.boot - window->second.rules().retention, now.boot);
        if (sample.in_order) {
            settle_late(late, &service, sample.signal, state, now, edges);
            sample.at = std::max(sample.at, after_all(service, sample.signal));
            sample.at = std::min(sample.at, now.boot);
        }
        service.untrusted = service.untrusted || !sample.trusted;
        auto const waits_until =
            is_failure(sample) ? start_period_end(*service.policy, state, sample.at) : std::nullopt;
        if (waits_until && *waits_until > now.boot) {
            wait(service, std::move(sample), *waits_until);
        } else if (waits_until) {
            note_late(late, service, std::move(sample), *waits_until);
        } else {
            // What is late comes before a failure after it, or it would be late for its streak.
            if (is_failure(sample)) settle_late(late, &service, sample.signal, state, now, edges);
            fold(service, sample, state, now, edges);
        }
        if (now.boot - service.expired_at > expire_every) {
            service.expired_at = now.boot;
            for (auto& [name, known] : service.windows) known.expire(now.boot);
        }
        bool const noted = std::find(watched.begin(), watched.end(), raw.service) != watched.end();
        if (!noted && is_watched(state, raw.service, now, service.policy->bake)) {
            watched.push_back(raw.service);
        }
    }
    settle_late(late, nullptr, {}, state, now, edges);
    for (auto const name : watched)
        edges.push_back({EdgeKind::progress, std::string(name), {}, {}});
    return edges;
}

// Right after the newest sample that the signal has or that waits.
Instant Senses::after_all(ServiceSense const& service, std::string const& signal) {
    auto after = Instant::min();
    auto const& newest = service.windows.find(signal)->second.newest();
    if (newest) after = newest->at + Duration(1);
    auto const held = service.held.find(signal);
    if (held == service.held.end() || held->second.empty()) return after;
    return std::max(after, held->second.back().at + Duration(1));
}

void Senses::fold(
    ServiceSense& service, Sample const& sample, State const& state, Now now, Edges& edges
) {
    auto& window = service.windows.find(sample.signal)->second;
    auto const readers = service.readers.find(sample.signal);
    auto const observe = [&] {
        bool const changed = window.observe(sample);
        // Who tells what has changed speaks now, however long ago that began.
        if (sample.in_order) window.confirm(now.boot);
        return changed;
    };
    if (readers == service.readers.end()) {
        observe();
        return;
    }
    // A breach begins at a sample that brings it about. Where a success finds it true already, old
    // successes have aged out, and that never begins one. (A slow success is no good news to a
    // condition on its latency, so there it may.) A source that could not say begins none at all.
    bool const silent = sample.repeated || std::holds_alternative<UnknownValue>(sample.value);
    std::vector<bool> may_begin(readers->second.size(), !silent);
    if (is_harmless(sample)) {
        auto base = context(service, state, now);
        for (std::size_t i = 0; i < may_begin.size(); ++i) {
            auto const& trigger = service.triggers[readers->second[i]];
            if (trigger.track.true_since || trigger.policy->when.measures(sample.signal)) continue;
            auto asked = base;
            asked.rules = trigger.policy->rules;
            asked.ignore_before = floor(service, trigger, state);
            may_begin[i] = evaluate(trigger.policy->when, asked, false).verdict != Verdict::true_;
        }
    }
    if (!observe()) return;
    bool const failure = is_failure(sample);
    for (std::size_t i = 0; i < may_begin.size(); ++i) {
        auto& trigger = service.triggers[readers->second[i]];
        // A number is neither good nor bad in itself: whoever measures it sees each one.
        bool const speaks = failure || (!silent && trigger.policy->when.measures(sample.signal));
        assess(service, trigger, state, now, may_begin[i], speaks, edges);
        observed_deadline_ = std::min(observed_deadline_, deadline_of(trigger, now.boot));
    }
}

void Senses::assess(
    ServiceSense& service, TriggerSense& trigger, State const& state, Now now, bool may_begin,
    bool new_failure, Edges& edges
) {
    auto asked = context(service, state, now);
    asked.rules = trigger.policy->rules;
    auto const& known = state.service(service.policy->name);
    asked.ignore_before = floor(service, trigger, state);
    auto& track = trigger.track;
    track.last = evaluate(trigger.policy->when, asked, false);
    auto const verdict = track.last.verdict;
    // What has not been true for its `for` was no breach yet, and is no change of one.
    bool const pending = verdict == Verdict::true_ && !track.firing &&
                         now.boot - track.true_since.value_or(now.boot) < trigger.policy->for_;
    if (!pending) {
        bool const ours = track.flapping.turns(verdict) && is_attended(state, service.policy->name);
        track.flapping.note(verdict, now.boot, ours);
    }

    auto const edge = [&](EdgeKind kind) {
        Edge made{
            kind, service.policy->name, trigger.policy->name,
            evaluate(trigger.policy->when, asked, true)
        };
        // Whose fault it is, is seen now: good samples that arrive while the world is asked afresh
        // may dilute a ratio or end a streak, with the same event time in a log of whole seconds.
        if (auto const* const blamed = known.window ? known.deployment(*known.window) : nullptr) {
            auto const alone = judge_blamed(
                *this, *service.policy, trigger.policy->when.text(), trigger.policy->rules, *blamed,
                asked.ignore_before, state, now
            );
            if (alone.verdict == Verdict::true_) made.blames = blamed->id;
        }
        edges.push_back(std::move(made));
    };
    if (track.last.verdict != Verdict::true_) {
        track.true_since.reset();
        if (!track.firing || track.last.verdict == Verdict::unknown) return;
        auto const since = track.last_true.value_or(now.boot);
        bool const enough = enough_good(
            service.policy->name, trigger.policy->when.text(), trigger.policy->resolve_after, since,
            now
        );
        if (!enough) return;
        track.firing = false;
        edge(EdgeKind::cleared);
        return;
    }
    bool const begins = !track.true_since;
    if (begins) {
        if (!may_begin) return;
        track.true_since = now.boot;
    }
    track.last_true = now.boot;
    if (track.firing) {
        bool const carried =
            new_failure && wants_again(state, service.policy->name, trigger.policy->name);
        if (carried || begins) edge(EdgeKind::again);
        return;
    }
    if (now.boot - *track.true_since < trigger.policy->for_) return;
    if (trigger.policy->only_after_deploy) {
        auto const* const deployment = known.window ? known.deployment(*known.window) : nullptr;
        bool const in_window = deployment != nullptr &&
                               now.boot <= deployment->from().boot + service.policy->watch_window;
        if (!in_window) return;
    }
    track.firing = true;
    edge(trigger.kept ? EdgeKind::again : EdgeKind::fired);
}

void Senses::note_facts() {
    for (auto const& [name, service] : services_) {
        for (auto const& trigger : service.triggers) {
            facts_moved_ = facts_moved_ || trigger.by_fact;
        }
    }
}

Edges Senses::elapse(State const& state, Now now) {
    Edges edges;
    bool const facts = std::exchange(facts_moved_, false);
    for (auto& [name, service] : services_) {
        if (service.held_until && now.boot >= *service.held_until) {
            release_held(service, state, now, edges);
        }
        for (auto& trigger : service.triggers) {
            auto const& track = trigger.track;
            bool const for_due = track.true_since && !track.firing &&
                                 now.boot >= *track.true_since + trigger.policy->for_;
            bool const changed = track.last.changes_at && now.boot >= *track.last.changes_at;
            bool const clear_due =
                track.firing && !track.true_since && trigger.policy->resolve_after.duration &&
                track.last_true &&
                now.boot >= *track.last_true + *trigger.policy->resolve_after.duration;
            bool const again = std::exchange(trigger.look_again, false);
            bool const told = again || (facts && trigger.by_fact);
            if (!for_due && !changed && !clear_due && !told) continue;
            // Only an absent() or stale() deadline begins a breach, or what has become known of a
            // service; other windows merely age.
            assess(service, trigger, state, now, trigger.by_absence || told, false, edges);
        }
    }
    return edges;
}

Instant Senses::deadline_of(TriggerSense const& trigger, Instant after) {
    Instant next = Instant::max();
    auto const consider = [&](Instant at) {
        if (at > after && at < next) next = at;
    };
    auto const& track = trigger.track;
    if (track.true_since && !track.firing) consider(*track.true_since + trigger.policy->for_);
    if (track.last.changes_at) consider(*track.last.changes_at);
    if (track.firing) consider(track.flapping.stable_at());
    if (track.firing && !track.true_since && track.last_true &&
        trigger.policy->resolve_after.duration) {
        consider(*track.last_true + *trigger.policy->resolve_after.duration);
    }
    return next;
}

Instant Senses::next_deadline(Instant after) const {
    Instant next = Instant::max();
    for (auto const& [name, service] : services_) {
        if (service.held_until && *service.held_until > after) {
            next = std::min(next, *service.held_until);
        }
        for (auto const& trigger : service.triggers) {
            next = std::min(next, deadline_of(trigger, after));
        }
    }
    return next;
}

}  // namespace rollbackd

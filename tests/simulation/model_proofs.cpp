// What must be true of the world for what the daemon says about it: that a trigger is true, that a
// service has recovered, that a version is good. And that nothing hangs, nothing goes unnoticed.
#include "tests/simulation/model.hpp"

#include <algorithm>

namespace rollbackd::simulation {

using namespace std::chrono_literals;

// Only true can act: it was true on what the daemon had been shown.
void Model::judge_truth(BookFiring const& firing, std::string const& service) {
    auto const* const means = meaning(firing);
    if (firing.raised || means == nullptr || lossy_ || !times_are_known()) return;
    auto const key = service + "/" + firing.trigger;
    auto const floor = services_[service].floors.find(firing.trigger);
    Watcher::Look look{service, now_, Time::min(), Time::min()};
    if (floor != services_[service].floors.end()) look.since = floor->second;
    if (watcher_.may_be_true(*means, look)) return;
    bool const quiet = means->front().is_quiet();
    auto decided = look;
    decided.seen_until = now_;  // what is dated by a wrong clock may have come since
    if (quiet && watcher_.may_be_true(*means, decided)) return;
    // What a start_period has held is judged one after the other at its end, or when the daemon is
    // back that was killed before it; by triggers too that came with a reload meanwhile.
    for (auto const moment : watcher_.held_at(*means, service, look.since, now_, started_)) {
        auto then = look;
        then.now = moment;
        if (watcher_.may_be_true(*means, then)) return;
    }
    // It may have been true when it was noticed, and no longer when that could be written down.
    auto const found = true_at_.find(key);
    // Of silence, not of some former one.
    bool const recent = found != true_at_.end() && (!quiet || now_ - found->second < 3min);
    require(recent, "4", key + " fires and was never true");
    require(
        broken() || found->second > look.since, "A8",
        key + " fires again on samples that were judged before"
    );
}

// Between two samples old ones leave the windows: what was true may have ended, if only for a
// moment.
void Model::age(std::string const& name) {
    auto const* const policy = policy_ == nullptr ? nullptr : policy_->service(name);
    if (policy == nullptr) return;
    auto const now = timeline_.now();
    auto const last = std::exchange(looked_[name], now);
    if (attended(name)) attended_[name] = now;
    for (auto const& trigger : policy->triggers) {
        auto const key = name + "/" + trigger.name;
        auto const* const means = meaning(trigger);
        if (means != nullptr && means->front().is_quiet()) note_silence(name, trigger, *means);
        if (means == nullptr || (!true_since_.contains(key) && !true_now_.contains(key))) continue;
        auto moments = watcher_.leaving(*means, name, last, now);
        moments.push_back(now - Duration(1));
        for (auto const moment : moments) {
            Watcher::Look look{name, moment, Time::min(), Time::min()};
            auto const floor = services_[name].floors.find(trigger.name);
            if (floor != services_[name].floors.end()) look.since = floor->second;
            if (!watcher_.may_be_true(*means, look)) true_now_.erase(key);
            look.failures_seen_after = undisturbed_;
            look.with_held = false;
            if (!watcher_.is_surely_true(*means, look)) true_since_.erase(key);
        }
    }
}

void Model::note_own_part(std::string const& key, Meanings const& means, Watcher::Look look) {
    auto const* const deployment = blamed(services_[look.service]);
    if (deployment == nullptr) return;
    look.since = std::max(look.since, deployment->started);
    if (watcher_.may_be_true(means, look)) own_part_[key] = look.now;
}

// A breach begins at a failure: what merely ages out of a window begins none.
void Model::watch(Sample const& sample, bool held) {
    auto const& name = sample.service;
    auto const* const policy = policy_ == nullptr ? nullptr : policy_->service(name);
    if (policy == nullptr) return;
    auto const now = timeline_.now();
    auto const& service = services_[name];
    for (auto const& trigger : policy->triggers) {
        auto const* const means = meaning(trigger);
        if (means == nullptr || means->front().is_quiet()) continue;
        auto const key = name + "/" + trigger.name;
        auto const floor = service.floors.find(trigger.name);
        Watcher::Look look{name, now, Time::min(), Time::min()};
        if (floor != service.floors.end()) look.since = floor->second;
        auto const verdict = watcher_.judge(*means, look);
        auto& last = verdicts_.emplace(key, Verdict::unknown).first->second;
        auto const before = std::exchange(last, verdict);
        auto const reads = [&](Meaning const& one) { return one.signal == sample.signal; };
        bool const read = std::any_of(means->begin(), means->end(), reads);
        bool const whole = policy->start_period == Duration::zero();  // nothing waits for its end
        bool const maybe = watcher_.may_be_true(*means, look);
        bool const plain = maybe == watcher_.is_surely_true(*means, look);
        if (whole && read && plain) note_change(name, trigger, verdict);
        if (!maybe) {
            true_since_.erase(key);
            true_now_.erase(key);
            continue;
        }
        note_own_part(key, *means, look);
        // A number or a text is neither good nor bad: whoever measures it looks at each.
        bool const measures = means->front().measures();
        bool const silent = std::holds_alternative<UnknownValue>(sample.value);
        bool const failure = read && (measures ? !silent : is_failure(sample));
        // Enough samples at last may begin one too, whatever the last of them was.
        bool const begins = failure || (before == Verdict::unknown && !measures);
        if (!begins && !true_now_.contains(key)) continue;
        true_now_.insert(key);
        true_at_[key] = now;
        look.failures_seen_after = undisturbed_;
        look.with_held = false;
        auto const sure = watcher_.judge(*means, look);
        bool const surely = watcher_.is_surely_true(*means, look);
        auto& last_sure = verdicts_.emplace(key + " surely", Verdict::unknown).first->second;
        bool const enough = last_sure == Verdict::unknown && !measures;
        bool const begins_surely = (failure && !held) || enough;
        last_sure = sure;
        if (!surely) {
            true_since_.erase(key);
        } else if (begins_surely) {
            true_since_.emplace(key, now);
        }
    }
}

// True for a minute, with something left to do, and nobody has judged any of it.
bool Model::forgotten(BookIncident const& incident, ServicePolicy const& policy) const {
    bool const owed = incident.own_plan_gone || incident.unjudged;
    if (!owed || incident.held) return false;
    bool waits = false;
    for (auto const& [name, firing] : incident.firings) {
        if (firing.judged) return false;
        auto const* const trigger = policy.trigger(name);
        auto const since = true_since_.find(incident.service + "/" + name);
        bool const is_true = trigger != nullptr && trigger->when.text() == firing.when &&
                             since != true_since_.end() &&
                             timeline_.now() - std::max(since->second, undisturbed_) > 1min;
        auto const left = [&](std::string const& rung) {
            return !incident.played.contains(rung) && !incident.refused.contains(rung);
        };
        waits = waits || (is_true && !firing.cleared &&
                          std::any_of(firing.ladder.begin(), firing.ladder.end(), left));
    }
    return waits;
}

bool Model::is_windowed(TriggerPolicy const& trigger) const {
    auto const* const means = meaning(trigger);
    return means != nullptr && std::any_of(means->begin(), means->end(), [](Meaning const& one) {
               return one.window > Duration::zero() && !one.is_quiet();
           });
}

bool Model::is_dated(TriggerPolicy const& trigger) const {
    auto const* const means = meaning(trigger);
    return means != nullptr && std::any_of(means->begin(), means->end(), [](Meaning const& one) {
               return one.signal == alerts_signal;
           });
}

void Model::look_around(bool writable) {
    auto const now = timeline_.now();
    if (!writable) undisturbed_ = now;
    if (!alive_ || now - undisturbed_ < 1min || broken()) return;
    for (auto const& [key, since] : true_since_) {
        auto const slash = key.find('/');
        auto const name = key.substr(0, slash);
        auto const* const policy = policy_->service(name);
        auto const* const trigger =
            policy == nullptr ? nullptr : policy->trigger(key.substr(slash + 1));
        if (trigger == nullptr || trigger->only_after_deploy) continue;
        // What is held and then dropped never was a breach: judged where nothing is held.
        if (policy->start_period > Duration::zero()) continue;
        // What lies in a window nobody can say who does not know how old its samples are, nor
        // whether an alert began before a run whose hour came from another clock.
        if (!times_are_known() && (is_windowed(*trigger) || is_dated(*trigger))) continue;
        auto const bound = trigger->for_ + policy->start_period + 30s;
        if (now - std::max(since, undisturbed_) < bound) continue;
        bool known = false;
        for (auto const& [id, incident] : incidents_) {
            if (incident.service != name || incident.state == "resolved") continue;
            auto const firing = incident.firings.find(trigger->name);
            known = known || (firing != incident.firings.end() && !firing->second.cleared);
        }
        require(known, "A7", key + " is true and nobody has noticed");
    }
    for (auto const& [id, incident] : incidents_) {
        if (incident.state == "resolved" || incident.alert_only) continue;
        auto const* const policy = policy_->service(incident.service);
        auto const quiet = now - std::max(incident.state_since, undisturbed_);
        if (policy == nullptr || quiet < 1min) continue;
        bool const waits = incident.asking && now - std::max(incident.asked, undisturbed_) > 30s;
        require(!waits, "A7", id + " asked the world and nobody answered");
        bool const open = incident.state == "open" && !incident.firings.empty() && !incident.asking;
        bool const left =
            std::any_of(incident.firings.begin(), incident.firings.end(), [&](auto const& entry) {
                auto const& ladder = entry.second.ladder;
                return std::any_of(ladder.begin(), ladder.end(), [&](std::string const& rung) {
                    return !incident.played.contains(rung);
                });
            });
        bool const known = incident.judged || incident.held || !left;
        require(!open || known, "A7", id + " was never judged");
        require(
            !open || !forgotten(incident, *policy), "A7",
            id + " was never judged, though it was to be judged again"
        );
        bool const proving = incident.state == "verifying" && !incident.runs.empty();
        if (!proving) continue;
        auto const& last = runs_[incident.runs.back()];
        bool const over = last.state == "verifying" && quiet > policy->limits.settle + 1min;
        require(!over, "A7", last.id + " is verified for longer than settle");
    }
    look_for_answers(now);
    look_for_reminders(now);
    look_for_silence(now);
    look_for_releases(now);
}

void Model::on_recovered(Json const& body) {
    auto const* const found = run(word(body, "run"));
    require(found != nullptr && found->verifying, "6", "recovered without a verified run");
    if (broken()) return;
    incidents_[found->incident].recovered = true;
    begin_reminders(incidents_[found->incident], *found);
    require(
        std::all_of(
            found->steps.begin(), found->steps.end(),
            [](BookStep const& step) {
                return step.always || step.state == "done" || step.state == "skipped";
            }
        ),
        "6", found->id + " is called verified though a step was not done"
    );
    auto& incident = incidents_[found->incident];
    auto answered = found->answers;
    if (auto const* const floors = find(body, "floors")) {
        for (auto const& floor : floors->get_object()) answered.emplace_back(floor.key());
    }
    for (auto const& name : answered) {
        auto const firing = incident.firings.find(name);
        if (firing == incident.firings.end()) continue;
        judge_recovery(*found, firing->second);
        firing->second.cleared = true;
        services_[found->service].floors[name] = *found->verifying;
        true_since_.erase(found->service + "/" + name);
    }
    for (std::size_t n = 1; n <= found->verify.get_array().size(); ++n) {
        require(
            found->passed.contains(n), "6",
            found->id + " is called verified and verify " + std::to_string(n) + " has not passed"
        );
    }
}

// An entry of verify has passed: the world says so too.
void Model::on_check(Json const& body) {
    auto* const found = run(word(body, "run"));
    auto const& check = *find(body, "check");
    auto const n = number(check, "n");
    if (found == nullptr || flag(body, "success_list") || !flag(check, "passed")) return;
    auto const& list = found->verify.get_array();
    require(found->verifying && n >= 1 && n <= list.size(), "6", found->id + " passes no check");
    if (!broken() && found->passed.insert(n).second) judge_check(*found, list[n - 1], n);
}

// Samples begun after the last step say that the trigger is false, and enough of them.
void Model::judge_recovery(BookRun const& found, BookFiring const& firing) {
    auto const* const means = meaning(firing);
    if (means == nullptr) return;
    Watcher::Look look{found.service, now_, *found.verifying, Time::min(), now_};
    // After a reboot nobody can say on which side of it a sample of the same moment lies.
    auto wider = look;
    wider.since -= blur();
    auto const proves = [&](Watcher::Look const& one) {
        return watcher_.judge(*means, one) == Verdict::false_ &&
               watcher_.good(*means, one) >= firing.resolve_samples;
    };
    if (!proves(look) && proves(wider)) look = wider;
    if (!times_are_known()) return;
    // What a start_period has held is folded in or dropped at its end.
    bool const waits = watcher_.holds(*means, look);
    auto verdict = watcher_.judge(*means, look);
    look.with_held = false;
    if (!waits && verdict != Verdict::false_) verdict = watcher_.judge(*means, look);
    // A late sample never rewrites a judged streak.
    look.with_late = false;
    if (!waits && verdict != Verdict::false_) verdict = watcher_.judge(*means, look);
    look.with_held = true;
    if (!waits && verdict != Verdict::false_) verdict = watcher_.judge(*means, look);
    require(
        verdict == Verdict::false_, "6",
        found.id + " is called verified and " + firing.trigger + " is " + to_string(verdict) +
            " on " + std::to_string(watcher_.good(*means, look)) + " good, " +
            std::to_string(watcher_.failures(look, means->front().signal, 24h)) + " bad"
    );
    if (firing.resolve_for) {
        require(
            now_ - *found.verifying + blur() >= *firing.resolve_for, "6",
            found.id + " is called verified before resolve_after has passed"
        );
        for (auto const& one : *means) {
            bool const streak = one.kind == Meaning::Kind::streak;
            auto failing = streak ? watcher_.streak(look, one.signal) : 0;
            look.with_held = false;
            if (streak) failing = std::min(failing, watcher_.streak(look, one.signal));
            look.with_held = true;
            require(
                failing == 0, "6", found.id + " is called verified and " + one.signal + " fails"
            );
        }
        return;
    }
    // Alertmanager says once that an alert is over.
    bool const once = means->front().signal == alerts_signal;
    auto const needed =
        once ? std::min<std::uint64_t>(1, firing.resolve_samples) : firing.resolve_samples;
    require(
        watcher_.good(*means, look) >= needed, "6",
        found.id + " is called verified on too few good samples"
    );
}

void Model::judge_check(BookRun const& found, Json const& check, std::size_t n) {
    auto const kind = word(check, "kind");
    auto const condition = word(check, "condition");
    auto const name = found.id + " verify " + std::to_string(n);
    if (kind == "run") {
        bool const passed = checks_passed_.contains(found.id + "/" + std::to_string(n));
        require(passed, "6", name + " never passed");
        return;
    }
    if (kind == "manual" || !times_are_known()) return;
    auto const since = *found.verifying;
    auto const limit = Duration(std::int64_t(number(check, "limit")));
    Watcher::Look const look{found.service, now_, since, Time::min(), now_};
    if (kind == "hold") {
        require(now_ - since >= limit, "6", name + " was not held for long enough");
    }
    if (condition == "ok(health)") {
        require(
            watcher_.successes(found.service, "health", since, now_, true) > 0, "6",
            name + ": no good answer since the last step"
        );
    } else if (condition.starts_with("failures(requests")) {
        require(
            watcher_.any(found.service, "requests", since, now_), "6",
            name + ": nothing was heard since the last step"
        );
        auto const recent = std::min(limit, now_ - since);
        require(
            watcher_.failures(look, "requests", recent) == 0, "6", name + ": failures meanwhile"
        );
    }
}

bool Model::settled() const {
    bool const open = std::any_of(incidents_.begin(), incidents_.end(), [](auto const& entry) {
        return entry.second.state != "resolved";
    });
    return !open && outbox_.empty();
}

void Model::all_settled() {
    for (auto const& [id, incident] : incidents_) {
        require(
            incident.state == "resolved", "A7",
            id + " is " + incident.state + " for ever, though all is well and people answer"
        );
    }
    for (auto const& [id, delivered] : outbox_) {
        require(false, "1", id + " was never delivered, though its channel works");
        (void)delivered;
    }
}

}  // namespace rollbackd::simulation

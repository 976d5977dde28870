#include "tests/simulation/model.hpp"

namespace rollbackd::simulation {

using namespace std::chrono_literals;

void Model::fault(std::string const& promise, std::string const& what) {
    if (broken()) return;
    broken_ = "promise " + promise + ": " + what + " (record " + std::to_string(seq_) + ", " +
              format_human(timeline_.now()) + ")";
    story("BROKEN " + broken_);
    for (auto const& [name, service] : services_) {
        if (!teller) break;
        auto const* const policy = policy_ == nullptr ? nullptr : policy_->service(name);
        if (policy == nullptr) continue;
        for (auto const& signal : policy->signals) {
            story(name + " " + watcher_.tell(name, signal.name));
        }
    }
}

void Model::require(bool holds, char const* promise, std::string const& what) {
    ++checks_;
    if (!holds) fault(promise, what);
}

void Model::story(std::string const& line) {
    if (teller) teller(line);
}

BookRun* Model::run(std::string const& id) {
    auto const found = runs_.find(id);
    return found == runs_.end() ? nullptr : &found->second;
}

bool Model::silenced(std::string const& service) const {
    for (auto const& [id, name] : silences_) {
        if (name.empty() || name == service) return true;
    }
    return false;
}

Meanings const* Model::meaning(BookFiring const& firing) const {
    auto const found = meanings->find(
        firing.when + "#" + std::to_string(std::max<std::uint64_t>(1, firing.min_count))
    );
    return found == meanings->end() ? nullptr : &found->second;
}

Meanings const* Model::meaning(TriggerPolicy const& trigger) const {
    auto const count = std::to_string(trigger.rules.min_count.value_or(1));
    auto const found = meanings->find(trigger.when.text() + "#" + count);
    return found == meanings->end() ? nullptr : &found->second;
}

void Model::written() {
    auto const& batches = disk_.batches();
    for (; batches_ < batches.size() && !broken(); ++batches_) {
        auto const& batch = batches[batches_];
        now_ = batch.decided;
        judge_writer(batch);
        // A reload may have come between the decision and its being read.
        auto const in_force = std::exchange(policy_, batch.by);
        for (std::size_t i = batch.first; i < batch.first + batch.count && !broken(); ++i) {
            auto const& record = disk_.records()[i];
            seq_ = record.seq;
            wall_ = record.at;
            if (teller) teller(record.kind + " " + record.body.substr(0, 3000));
            take(record.kind, disk_.take_body());
        }
        end_of_batch();
        policy_ = in_force;
    }
}

void Model::take(std::string const& kind, Json const& body) {
    bool const of_run = kind.starts_with("run.") || kind.starts_with("step.");
    if (of_run && runs_.contains(word(body, "run"))) {
        attended_now_.insert(runs_[word(body, "run")].incident);
    } else if (kind == "incident.asked" || kind == "incident.judged") {
        attended_now_.insert(word(body, "id"));
    }
    static std::map<std::string, Handler> const handlers{
        {"deployment.recorded", &Model::on_deployment},
        {"deployment.known_good", &Model::on_known_good},
        {"incident.opened", &Model::on_opened},
        {"incident.joined", &Model::on_joined},
        {"incident.state", &Model::on_state},
        {"incident.recovered", &Model::on_recovered},
        {"incident.resolved", &Model::on_resolved},
        {"incident.reopened", &Model::on_reopened},
        {"run.planned", &Model::on_planned},
        {"run.started", &Model::on_started},
        {"step.intent", &Model::on_intent},
        {"step.ended", &Model::on_step_ended},
        {"run.ended", &Model::on_run_ended},
        {"run.check", &Model::on_check},
        {"message.queued", &Model::on_message},
        {"playbook.readiness", &Model::on_readiness},
        {"message.ended", &Model::on_message_ended},
        {"message.fell_back", &Model::on_fell_back},
        {"incident.unanswered", &Model::on_unanswered},
        {"follow_up.told", &Model::on_reminded},
    };
    auto const found = handlers.find(kind);
    if (found != handlers.end()) {
        (this->*found->second)(body);
    } else if (kind.starts_with("version.")) {
        on_version(kind, body);
    } else if (kind.starts_with("service.") || kind.starts_with("silence.")) {
        on_switch(kind, body);
    } else {
        on_small(kind, body);
    }
}

void Model::on_switch(std::string const& kind, Json const& body) {
    if (kind == "silence.added") {
        auto const& silence = *find(body, "silence");
        silences_[word(silence, "id")] = word(silence, "service");
        return;
    }
    if (kind == "silence.ended") {
        silences_.erase(word(body, "id"));
        silence_ended_now_ = word(body, "service");
        return;
    }
    auto const service = word(body, "service");
    bool const pause = kind == "service.paused";
    (service.empty() ? paused_ : services_[service].paused) = pause;
    if (!service.empty() && !pause) services_[service].frozen_by.clear();
}

// What probes saw while we were blind proves nothing.
void Model::on_reopened(Json const& body) {
    auto& incident = incidents_[word(body, "id")];
    auto const& service = incident.service;
    auto const* const floors = find(body, "floors");
    // What is still true is judged again, with the first fresh failure at the latest.
    incident.unjudged = true;
    refusals_told_.erase(incident.id);
    incident.refused.clear();
    for (auto& [name, firing] : incident.firings) {
        firing.judged = false;
        true_since_.erase(service + "/" + name);
    }
    if (floors == nullptr) return;
    for (auto const& floor : floors->get_object()) {
        services_[service].floors[floor.key()] = now_;
        true_since_.erase(service + "/" + std::string(floor.key()));
    }
}

void Model::on_readiness(Json const& body) {
    auto& known = services_[word(body, "service")].ready;
    bool const ready = flag(body, "ready");
    auto const [at, first] = known.try_emplace(word(body, "playbook"), ready);
    if (!first && at->second == ready) fault("1", "what is known of a playbook is told twice");
    at->second = ready;
}

void Model::on_small(std::string const& kind, Json const& body) {
    if (kind == "incident.judged") {
        auto& incident = incidents_[word(body, "id")];
        incident.judged = true;
        incident.unjudged = false;
        incident.asking = false;
        auto const firing = incident.firings.find(word(body, "trigger"));
        if (firing != incident.firings.end()) firing->second.judged = true;
    } else if (kind == "incident.rung") {
        // Passed over for what was judged of another: that is a judgement too.
        auto& firings = incidents_[word(body, "id")].firings;
        auto const firing = firings.find(word(body, "trigger"));
        if (firing != firings.end()) firing->second.judged = true;
    } else if (kind == "incident.acked") {
        note_answer(word(body, "id"), word(body, "by"));
    } else if (kind == "follow_up.ended") {
        end_reminders(word(body, "id"));
    } else if (kind == "incident.escalated") {
        incidents_[word(body, "id")].judged = true;  // people were called instead
    } else if (kind == "incident.asked") {
        auto& incident = incidents_[word(body, "id")];
        incident.asking = true;
        incident.asked = now_;
        incident.answers.clear();
    } else if (kind == "incident.cleared") {
        auto& incident = incidents_[word(body, "id")];
        auto const trigger = word(body, "trigger");
        if (incident.firings.contains(trigger)) incident.firings[trigger].cleared = true;
        auto& floors = services_[incident.service].floors;
        for (auto const& id : incident.runs) {
            auto const& verifying = runs_[id].verifying;
            if (find(body, "floor") != nullptr && verifying) floors[trigger] = *verifying;
        }
        true_since_.erase(incident.service + "/" + trigger);
    } else if (kind == "incident.refired") {
        auto& incident = incidents_[word(body, "id")];
        auto& firing = incident.firings[word(body, "trigger")];
        firing.cleared = false;
        firing.fired = moment(*find(body, "at"));
        judge_truth(firing, incident.service);
    } else if (kind == "incident.verdict") {
        auto const& incident = incidents_[word(body, "id")];
        for (auto const& trigger : words(body, "demoted")) {
            services_[incident.service].demoted.insert(trigger);
        }
    } else if (kind == "run.verifying") {
        auto& found = *run(word(body, "run"));
        found.state = "verifying";
        found.verifying = now_;
        auto& service = services_[found.service];
        if (found.target.empty()) return;
        put_into_effect(service, found.target);
        note_live(service, found.target, wall_, false);
        service.restored = true;
        service.last_rollback_seq = found.started_seq;  // what is recorded since came meanwhile
    } else if (kind == "run.approved") {
        auto& found = *run(word(body, "run"));
        auto const& plans = approvals_[found.incident];
        require(plans.contains(found.plan), "5", found.id + " was approved by nobody");
        note_answer(found.incident, word(body, "by"));
        if (!found.started) return;
        for (auto& step : found.steps) step.approved = step.approved || step.state == "waiting";
    } else if (kind == "run.abort") {
        run(word(body, "run"))->aborting = true;
    } else if (kind == "step.waiting") {
        auto& found = *run(word(body, "run"));
        found.waiting = now_;
        found.steps[number(body, "n") - 1].state = "waiting";
    }
}

void Model::on_message_ended(Json const& body) {
    auto const id = word(body, "id");
    bool const sent = word(body, "state") == "sent";
    require(!sent || delivered_.contains(id), "1", id + " is called sent and never arrived");
    outbox_.erase(id);
}

// Whatever state an incident is left in, people are told of it in the same transaction.
void Model::end_of_batch() {
    for (auto const& id : entered_now_) {
        auto const& incident = incidents_[id];
        bool const end = incident.state == "frozen" || incident.state == "unverified" ||
                         incident.state == "resolved";
        bool const same =
            std::exchange(incidents_[id].told_state, incident.state) == incident.state;
        if (same || !end || !pages(incident) || silenced(incident.service)) continue;
        require(
            told_now_.contains(id), "3", id + " became " + incident.state + " and nobody is told"
        );
    }
    for (auto const& id : undoing_now_) {
        auto const& found = runs_[id];
        auto const& standing = services_[found.service].versions[found.blamed].standing;
        require(
            standing == "bad", "3", id + " undoes " + found.blamed + ", which stays " + standing
        );
    }
    judge_states();
    judge_told_again();
    judge_silence_ended();
    for (auto const& id : attended_now_) attended_[incidents_[id].service] = timeline_.now();
    attended_now_.clear();
    undoing_now_.clear();
    entered_now_.clear();
    told_now_.clear();
}

// An incident is called what its run is doing.
void Model::judge_states() {
    for (auto const& entered : entered_now_) {
        auto const& incident = incidents_[entered];
        for (auto const& id : incident.runs) {
            auto const& one = runs_[id];
            bool const on = one.state == "running" && !one.ended && !one.verifying;
            require(
                !on || incident.state == "acting" || incident.state == "waiting", "7",
                entered + " is " + incident.state + " while " + id + " runs"
            );
        }
    }
}

void Model::sampled(Sample const& sample, Time at) {
    auto& service = services_[sample.service];
    if (sample.repeated) return;  // nothing here is stale that speaks so
    if (sample.in_order) {
        auto const newest = watcher_.newest(sample.service, sample.signal);
        at = std::min(std::max(at, newest ? *newest + Duration(1) : at), timeline_.now());
    }
    auto const held = is_failure(sample) ? held_until(sample.service, at) : std::nullopt;
    age(sample.service);
    watcher_.take(sample, at, timeline_.now(), held);
    if (!sample.trusted && !service.untrusted) service.untrusted = timeline_.now();
    watch(sample, held && *held > timeline_.now());
}

// A failure within the start_period of the newest deployment, or of the machine, waits until its
// end.
std::optional<Time> Model::held_until(std::string const& name, Time at) const {
    auto const* const policy = policy_->service(name);
    auto const known = services_.find(name);
    if (policy == nullptr) return std::nullopt;
    std::optional<Time> end;
    auto const consider = [&](Time start) {
        if (at < start || at >= start + policy->start_period) return;
        end = std::max(end.value_or(Time::min()), start + policy->start_period);
    };
    consider(machine_.time_of(Instant{}));
    if (known != services_.end() && !known->second.deployments.empty()) {
        consider(known->second.deployments.back().started);
        consider(known->second.deployments.back().recorded);
    }
    return end;
}

void Model::answered(std::string const& incident, Answer const& answer) {
    auto const found = incidents_.find(incident);
    if (found != incidents_.end()) found->second.answers.emplace_back(timeline_.now(), answer);
}

void Model::approved(std::string const& incident, std::string const& plan) {
    approvals_[incident].insert(plan);
}

void Model::check_ended(CheckEnded const& ended) {
    if (ended.passed && !ended.success_list) {
        checks_passed_.insert(ended.run + "/" + std::to_string(ended.n));
    }
}

void Model::delivered(std::string const& message) {
    delivered_.insert(message);
    auto const found = outbox_.find(message);
    if (found != outbox_.end()) found->second = true;
}

namespace {

// Asked more or less often it is the same signal; what it says still holds.
bool is_same(SignalPolicy const& before, SignalPolicy after) {
    after.every = before.every;
    after.stale_after = before.stale_after;
    return before == after;
}

}  // namespace

void Model::policy_in_force(std::shared_ptr<Policy const> policy) {
    for (auto const& service : policy->services) {
        auto const* const before = alive_ ? policy_->service(service.name) : nullptr;
        for (auto const& signal : service.signals) {
            auto const* const known = before == nullptr ? nullptr : before->signal(signal.name);
            bool const same = known != nullptr && is_same(*known, signal);
            if (known != nullptr && !same) watcher_.forget_signal(service.name, signal.name);
            if (!same) watcher_.listen(service.name, signal.name, timeline_.now());
        }
        follow_triggers(before, service);
    }
    policy_ = std::move(policy);
    watcher_.set_policy(*policy_);
    undisturbed_ = timeline_.now();
    true_since_.clear();
    changes_.clear();
}

// What an incident had judged before a crash was another condition's breach.
void Model::follow_triggers(ServicePolicy const* before, ServicePolicy const& now) {
    auto& service = services_[now.name];
    for (auto at = service.floors_before.begin(); at != service.floors_before.end();) {
        auto const& [name, floor] = *at;
        auto const* const old = before == nullptr ? nullptr : before->trigger(name);
        auto const* const trigger = now.trigger(name);
        bool const same = before == nullptr || (old != nullptr && trigger != nullptr &&
                                                old->when.text() == trigger->when.text());
        if (same) {
            ++at;
            continue;
        }
        service.floors.erase(name);
        if (floor) service.floors[name] = *floor;
        at = service.floors_before.erase(at);
    }
}

void Model::daemon_started() {
    alive_ = true;
    started_ = timeline_.now();
    undisturbed_ = timeline_.now();
    true_since_.clear();
}

void Model::daemon_ended(Time kept) {
    alive_ = false;
    written();
    changes_.clear();  // the daemon remembers most of them, and not the newest
    watcher_.forget_after(kept);
    lossy_ = lossy_ || timeline_.now() - kept > 6s;
    for (auto& [name, service] : services_) {
        if (service.untrusted && *service.untrusted > kept) service.untrusted.reset();
    }
    // What an incident has judged after that never begins again: only newer samples count (A8).
    for (auto const& [id, incident] : incidents_) {
        if (incident.state != "resolved" || incident.state_since <= kept + Duration(1)) continue;
        for (auto const& [trigger, firing] : incident.firings) {
            auto& service = services_[incident.service];
            auto const floor = service.floors.find(trigger);
            auto& before = service.floors_before[trigger];
            before.reset();
            if (floor != service.floors.end()) before = floor->second;
            service.floors[trigger] = std::max(before.value_or(Time::min()), incident.state_since);
        }
    }
}

}  // namespace rollbackd::simulation

// What must hold at the moment something starts: a process, a run.
#include "tests/simulation/model.hpp"

#include <algorithm>

namespace rollbackd::simulation {

using namespace std::chrono_literals;

void Model::process_started(Process const& process) {
    if (teller) {
        teller(
            "START " + process.run + " step " + std::to_string(process.n) + " attempt " +
            std::to_string(process.attempt)
        );
    }
    judge_actor(process);
    if (broken()) return;
    auto const* const found = run(process.run);
    auto const name = process.run + " step " + std::to_string(process.n);
    require(found != nullptr && process.n <= found->steps.size(), "1", name + " started unplanned");
    if (broken()) return;
    auto& step = runs_[process.run].steps[process.n - 1];
    require(
        step.intents.contains(process.attempt), "1", name + " started without a durable intent"
    );
    require(
        step.starts.insert(process.attempt).second, "1",
        name + " attempt " + std::to_string(process.attempt) + " started twice"
    );
    bool const again = step.starts.size() > 1;
    require(
        !again || step.idempotent || step.effects == 0, "1",
        name + " is not idempotent, took effect, and started again"
    );
    require(
        !again || step.idempotent || step.checked, "1",
        name + " started again, and nothing says that it may"
    );
    require(!step.approval || step.approved, "5", name + " needs an approval of its own");
    if (step.takes_version) {
        auto const* const argv = process.step.params.if_contains("argv");
        auto const given = argv == nullptr ? Json() : argv->get_array().back();
        require(
            !found->belongs.empty() && given == Json(found->belongs.c_str()), "3",
            name + " goes back to " + to_text(given) + ", and " +
                (found->belongs.empty() ? std::string("no version") : found->belongs) +
                " belongs to the backup"
        );
    }
    for (auto const& other : found->steps) {
        if (&other == &step) break;
        if (other.always) continue;
        bool const over = other.state != "running" && other.state != "waiting";
        require(over, "1", name + " started before " + other.name + " has ended");
        require(
            step.always || other.state == "done" || other.state == "skipped", "1",
            name + " started though " + other.name + " is " + other.state
        );
    }
    for (auto const& [id, other] : runs_) {
        if (id == found->id || other.service != found->service) continue;
        bool const on = other.started && !other.ended && other.state == "running";
        require(!on, "3", name + " started while " + id + " runs on the same service");
    }
}

void Model::effect(Process const& process) {
    auto& step = runs_[process.run].steps[process.n - 1];
    ++step.effects;
    require(
        step.idempotent || step.effects <= 1, "1",
        process.run + " step " + std::to_string(process.n) + " took effect twice"
    );
}

void Model::process_ended(Process const& process) {
    auto& step = runs_[process.run].steps[process.n - 1];
    step.worked = step.worked || process.exit->kind == OutcomeKind::done;
    if (process.exit->as_of) step.restored = process.exit->as_of;
}

void Model::on_started(Json const& body) {
    auto* const found = run(word(body, "run"));
    require(found != nullptr, "7", "a run started that was never planned");
    if (broken()) return;
    require(!found->started, "1", found->id + " started twice");
    found->automatic = flag(body, "automatic");
    auto& incident = incidents_[found->incident];
    judge_hands(*found, incident);
    judge_people(*found, incident);
    judge_target(*found);
    judge_looks(*found, incident);
    judge_ladder(*found, incident);
    judge_silence(*found, incident);
    if (!found->manual) judge_world(*found, incident);
    if (found->automatic) {
        judge_limits(*found);
        judge_blame(*found, incident);
        judge_storm(*found, incident);
        judge_flapping(*found, incident);
    }
    found->started = now_;
    found->started_seq = seq_;
    found->state = "running";
    found->people = {};
    found->waiting.reset();
    incident.played.insert(found->playbook);
    auto& service = services_[found->service];
    if (found->automatic) service.starts.push_back({found->incident, now_});
    if (!found->blamed.empty()) {
        service.undone.insert(found->blamed);
        undoing_now_.insert(found->id);
    }
}

// Pause, silence, freezing, locks, autonomy.
void Model::judge_hands(BookRun const& found, BookIncident const& incident) {
    auto const& service = services_[found.service];
    require(!paused_ && !service.paused, "f", found.id + " started while paused");
    if (!found.manual) {
        require(!silenced(found.service), "f", found.id + " started while silenced");
        require(service.frozen_by.empty(), "3", found.id + " started though frozen");
        require(
            !incident.played.contains(found.playbook), "3",
            found.playbook + " runs a second time in " + incident.id
        );
    }
    for (auto const& [id, other] : runs_) {
        if (id == found.id || !other.started || other.ended) continue;
        auto const& theirs = incidents_[other.incident];
        bool const on =
            other.state == "running" || (other.state == "verifying" && theirs.state == "verifying");
        if (!on) continue;
        require(other.service != found.service, "3", found.id + " started while " + id + " is on");
        for (auto const& lock : found.locks) {
            bool const held =
                std::find(other.locks.begin(), other.locks.end(), lock) != other.locks.end();
            require(!held, "3", found.id + " started while " + id + " holds lock " + lock);
        }
    }
    auto level = policy_->daemon.autonomy;
    auto const* const policy = policy_->service(found.service);
    if (policy != nullptr) level = std::min(level, policy->autonomy);
    for (auto const& name : found.answers) {
        auto const firing = incident.firings.find(name);
        if (firing == incident.firings.end()) continue;
        auto const own = enum_from<Autonomy>(firing->second.autonomy);
        level = std::min(level, own.value_or(Autonomy::observe));
        if (service.demoted.contains(name)) level = std::min(level, Autonomy::advise);
    }
    bool const untrusted = service.untrusted && *service.untrusted <= now_;
    if (untrusted) level = std::min(level, Autonomy::advise);
    if (found.manual) return;
    auto const needed = found.automatic ? Autonomy::enforce : Autonomy::advise;
    require(level >= needed, "f", found.id + " started beyond autonomy " + to_string(level));
}

// What destroys, and what somebody wants to be asked about, waits for a person.
void Model::judge_people(BookRun const& found, BookIncident const& incident) {
    bool const loses = found.loss != "none" || found.undoes == "data" || found.undoes == "schema";
    bool asks = loses || found.asks;
    for (auto const& name : found.answers) {
        auto const firing = incident.firings.find(name);
        bool const own = firing != incident.firings.end() && firing->second.approval;
        asks = asks || (own && !found.manual);
    }
    bool const approved = approvals_[found.incident].contains(found.plan);
    require(!loses || approved, "5", found.id + " may lose data and nobody approved its plan");
    require(!asks || approved, "5", found.id + " asks for a person and nobody approved its plan");
    require(!found.automatic || !asks, "5", found.id + " started by itself though it asks");
    bool const refused = incident.rejected.contains(found.plan);
    require(
        !found.automatic || !refused, "A7",
        found.id + " started by itself though a person has rejected its plan"
    );
    bool const somebody = found.automatic || found.manual || approved;
    require(somebody, "5", found.id + " was started by nobody");
}

void Model::judge_target(BookRun const& found) {
    if (found.undoes != "release") return;
    auto& service = services_[found.service];
    auto const& standing = service.versions[found.target].standing;
    require(
        standing == "known-good", "3",
        found.id + " rolls " + found.service + " back to " + found.target + ", which is " + standing
    );
    require(found.target != service.current, "d", found.id + " rolls back to what is in effect");
    if (!found.automatic) return;
    require(!service.restored, "3", found.id + " rolls a rollback of " + found.service + " back");
    require(
        !service.undone.contains(found.blamed), "3",
        "a second rollback from " + found.blamed + " of " + found.service
    );
}

void Model::judge_limits(BookRun const& found) {
    auto const& service = services_[found.service];
    auto const* const policy = policy_->service(found.service);
    if (policy == nullptr || !times_are_known()) return;
    std::set<std::string> hour;
    std::set<std::string> day;
    for (auto const& start : service.starts) {
        if (start.incident == found.incident) continue;
        if (now_ - start.at < 1h) hour.insert(start.incident);
        if (now_ - start.at < 24h) day.insert(start.incident);
    }
    auto const& limits = policy->limits;
    require(hour.size() < limits.runs_per_hour, "f", found.id + " is past the limit of an hour");
    require(day.size() < limits.runs_per_day, "f", found.id + " is past the limit of a day");
    auto const& siblings = incidents_[found.incident].runs;
    bool const same = std::any_of(siblings.begin(), siblings.end(), [&](std::string const& id) {
        return runs_[id].started.has_value();
    });
    bool const cooling = !same && service.last_end && now_ - *service.last_end < limits.cooldown;
    require(!cooling, "f", found.id + " started within the cooldown");
}

// Blindness, dependencies, the schema: as the world answered last.
void Model::judge_world(BookRun const& found, BookIncident const& incident) {
    auto const* const policy = policy_->service(found.service);
    if (policy == nullptr) return;
    bool any = true;
    for (auto const& name : found.answers) {
        auto const firing = incident.firings.find(name);
        any = any && firing != incident.firings.end() && firing->second.blame == "any";
    }
    auto const* const answer = answer_of(incident);
    bool const asks = !policy_->daemon.references.empty();
    require(answer || !asks, "4", found.id + " started and no reference was asked");
    require(!answer || !answer->blind, "4", found.id + " started while blind");
    if (!any) {
        require(answer || policy->depends_on.empty(), "c", found.id + " asked no dependency");
        require(
            !answer || answer->failing.empty(), "c", found.id + " started while a dependency fails"
        );
    }
    if (found.undoes != "release" || policy->release.schema_type.empty()) return;
    auto& service = services_[found.service];
    for (auto at = service.deployments.rbegin(); at != service.deployments.rend(); ++at) {
        if (at->version != service.current) continue;
        if (!at->schema_compatible) break;
        require(*at->schema_compatible, "e", found.id + " undoes an incompatible schema");
        return;
    }
    auto const& recorded = service.versions[found.target].schema;
    bool const same = answer && answer->schema && *answer->schema == recorded;
    require(same, "e", found.id + " started though the schema has moved or is unread");
}

// The newest when that was decided: another may have come in while the journal took its time.
Answer const* Model::answer_of(BookIncident const& incident) const {
    for (auto one = incident.answers.rbegin(); one != incident.answers.rend(); ++one) {
        if (one->first <= now_) return &one->second;
    }
    return nullptr;
}

BookDeployment const* Model::blamed(BookService const& service) const {
    for (auto at = service.deployments.rbegin(); at != service.deployments.rend(); ++at) {
        if (!at->known_good && !at->replaced) return &*at;
    }
    return nullptr;
}

// Made before the rollback began, whose target is what runs since.
bool Model::replaces(BookRun const& run, BookDeployment const& deployment) {
    return !run.target.empty() && run.target != deployment.version && run.started &&
           run.verifying && deployment.started < *run.started;
}

// Recorded while a run is on, its window opens when that has ended.
Time Model::window_of(std::string const& service, BookDeployment const& deployment) const {
    auto from = deployment.recorded;
    for (auto const& [id, other] : runs_) {
        bool const during = other.service == service && other.started && other.ended &&
                            *other.started <= deployment.recorded &&
                            *other.ended >= deployment.recorded;
        if (during) from = std::max(from, *other.ended);
    }
    return from == deployment.recorded ? deployment.started : from;
}

// (a) and (b): a deployment to blame, newer than the last rollback, good before and bad since.
void Model::judge_blame(BookRun const& found, BookIncident const& incident) {
    if (found.undoes != "release" || !times_are_known()) return;
    auto const* const policy = policy_->service(found.service);
    auto const& service = services_[found.service];
    for (auto const& name : found.answers) {
        auto const known = incident.firings.find(name);
        if (known == incident.firings.end() || known->second.blame == "any") continue;
        auto const& firing = known->second;
        auto const* const deployment = blamed(service);
        require(deployment != nullptr, "a", found.id + " blames no deployment");
        if (broken() || policy == nullptr) return;
        require(
            deployment->seq > service.last_rollback_seq, "3",
            found.id + " undoes what a rollback has put into effect"
        );
        auto const from = std::max(deployment->started, window_of(found.service, *deployment));
        require(
            firing.fired <= from + policy->watch_window + 1s, "a",
            found.id + " blames " + deployment->version + " after its watch window"
        );
        auto const* const means = meaning(firing);
        if (firing.raised || means == nullptr) continue;
        std::uint64_t before = 0;
        std::uint64_t since = 0;
        Watcher::Look look{found.service, now_, deployment->started, Time::min()};
        look.ever = true;
        for (auto const& one : *means) {
            before += watcher_.successes(
                found.service, one.signal, deployment->started - policy->watch_window - 1s,
                deployment->started, true
            );
            since += watcher_.failures(look, one.signal, 24h);
        }
        require(before > 0, "b", found.id + " blames a release that was never seen good before");
        auto const& first = means->front();
        bool const counts = means->size() == 1 && first.kind == Meaning::Kind::streak;
        look = {found.service, deployment->started, deployment->started - policy->watch_window};
        // What is pushed has the time that its sender says, in whole seconds.
        look.ever = true;
        auto before_it = watcher_.streak(look, first.signal);
        if (first.signal != "health") look.now -= 1s;
        before_it = std::min(before_it, watcher_.streak(look, first.signal));
        look.ever = false;
        before_it = std::min(before_it, watcher_.streak(look, first.signal));
        look.with_late = false;
        before_it = std::min(before_it, watcher_.streak(look, first.signal));
        bool const broken_before = counts && double(before_it) >= first.limit;
        require(!broken_before, "b", found.id + " blames a release for what was broken before");
        require(
            !counts || double(since) >= first.limit, "b",
            found.id + " blames failures from before the deployment"
        );
        judge_before(found, name, *means, *deployment);
    }
}

// What had crossed its threshold before the deployment is blamed on it only once what came after it
// is true by itself.
void Model::judge_before(
    BookRun const& found, std::string const& trigger, Meanings const& means,
    BookDeployment const& deployment
) {
    if (lossy_) return;
    auto lenient = means;
    for (auto& one : lenient) one.min_count = 1;
    auto const key = found.service + "/" + trigger;
    auto const floor = services_[found.service].floors.find(trigger);
    Watcher::Look look{found.service, deployment.started, Time::min(), Time::min()};
    if (floor != services_[found.service].floors.end()) look.since = floor->second;
    bool stood = watcher_.is_surely_true(lenient, look);
    look.now -= 1s;
    stood = stood && watcher_.is_surely_true(lenient, look);
    // What a start_period has held may have been dropped at its end.
    look.with_held = false;
    stood = stood && watcher_.is_surely_true(lenient, look);
    // Noted with each sample; a deployment recorded late is judged before the next one comes.
    auto const own = own_part_.find(key);
    Watcher::Look part{found.service, now_, std::max(look.since, deployment.started), Time::min()};
    bool const alone = (own != own_part_.end() && own->second > deployment.started) ||
                       watcher_.judge(means, part) == Verdict::true_;
    require(!stood || alone, "b", found.id + " blames a release for what stood before it");
}

// What is passed over leaves the way only to what undoes nothing.
void Model::judge_ladder(BookRun const& found, BookIncident const& incident) {
    if (!found.automatic || (found.undoes == "nothing" && found.loss == "none")) return;
    for (auto const& name : found.answers) {
        auto const firing = incident.firings.find(name);
        if (firing == incident.firings.end()) continue;
        for (auto const& playbook : firing->second.ladder) {
            if (playbook == found.playbook) break;
            // What undoes nothing and cannot be carried out says nothing about the release.
            auto const* const policy = policy_->service(found.service);
            auto const* const known = policy == nullptr ? nullptr : policy->playbook(playbook);
            bool const harmless = known != nullptr && known->undoes == Undoes::nothing &&
                                  known->data_loss == DataLoss::none;
            if (harmless) continue;
            require(
                incident.played.contains(playbook), "A6",
                found.id + " undoes something though " + playbook + " was passed over"
            );
        }
    }
}

}  // namespace rollbackd::simulation

#include "cli/rehearsal/history.hpp"

#include "cli/rehearsal/stage.hpp"
#include "cli/rehearsal/tape.hpp"
#include "engine/head.hpp"

#include <algorithm>

namespace rollbackd::cli {

namespace {

using namespace std::chrono_literals;

/// A clock whose boot was the epoch: instants of any past are what their times say.
Now at(WallTime wall) { return {Instant(wall.time_since_epoch()), wall}; }
WallTime wall_of(Instant instant) {
    return WallTime(std::chrono::floor<WallTime::duration>(instant.time_since_epoch()));
}

/// Whoever asks first is told: an incident of the past is one of now within this.
constexpr auto same_within = 15min;

/// People who never answer: what would have run is what waits for them.
class Past final : public Stage {
public:
    Past(std::shared_ptr<Policy const> policy, Now begin) : Stage(std::move(policy), begin) {}

    void deploy(PastDeployment const& past) {
        DeploymentPosted posted;
        posted.actor = {"backtest", "admin"};
        posted.service = past.service;
        posted.version = past.version;
        posted.known_good = past.known_good;
        posted.facts = facts_of(past.service);
        send(std::move(posted));
    }

    std::map<std::string, WouldRun> would;  // by incident
    std::map<std::string, Instant> over;    // likewise, when its last trigger was false again

protected:
    void applied(Record const& record) override {
        Stage::applied(record);
        auto const body = read_body(record);
        if (auto const* const planned = std::get_if<RunPlanned>(&*body)) {
            auto const& plan = planned->run.plan;
            would.try_emplace(
                planned->run.incident,
                WouldRun{plan.playbook, plan.target.value_or(""), wall_of(now.boot)}
            );
        } else if (auto const* const cleared = std::get_if<TriggerCleared>(&*body)) {
            over[cleared->id] = now.boot;
        } else if (auto const* const resolved = std::get_if<IncidentResolved>(&*body)) {
            over.try_emplace(resolved->id, now.boot);
        }
    }
};

std::shared_ptr<Policy const> proposing(Policy const& policy) {
    auto changed = std::make_shared<Policy>(policy);
    changed->daemon.autonomy = Autonomy::advise;
    return changed;
}

PastIncident const* past_of(History const& history, Found const& found) {
    for (auto const& past : history.incidents) {
        auto const apart =
            past.at > found.opened_at ? past.at - found.opened_at : found.opened_at - past.at;
        bool const same = past.service == found.service && past.trigger == found.trigger;
        if (same && apart <= same_within) return &past;
    }
    return nullptr;
}

Found found_of(Past const& past, Incident const& incident) {
    Found found;
    found.id = incident.id;
    found.service = incident.service;
    found.severity = to_string(incident.severity);
    found.alert_only = incident.alert_only;
    found.opened_at = wall_of(incident.opened_at.boot);
    if (!incident.triggers.empty()) {
        found.trigger = incident.triggers.front().trigger;
        found.why = incident.triggers.front().evaluation.why;
    }
    if (auto const run = past.would.find(incident.id); run != past.would.end()) {
        found.would = run->second;
    }
    for (auto const& refusal : incident.refusals) {
        if (refusal.guard == Guard::autonomy || refusal.guard == Guard::approval) continue;
        auto const rung = refusal.playbook.empty() ? "" : refusal.playbook + ": ";
        found.refusals.push_back(rung + refusal_text(refusal));
    }
    bool const open =
        std::any_of(incident.triggers.begin(), incident.triggers.end(), [](Firing const& f) {
            return !f.cleared;
        });
    auto const over = past.over.find(incident.id);
    if (!open && over != past.over.end()) found.over_at = wall_of(over->second);
    return found;
}

void find_all(Past const& past, History const& history, Backtest& out) {
    std::set<std::string> again;
    for (auto const& id : past.engine.state().incident_order) {
        auto const* const incident = past.engine.state().incident(id);
        if (incident == nullptr) continue;
        auto found = found_of(past, *incident);
        if (auto const* const known = past_of(history, found)) {
            found.past = known->id;
            found.false_positive = known->false_positive;
            again.insert(known->id);
        }
        out.found.push_back(std::move(found));
    }
    for (auto const& known : history.incidents) {
        bool const within = out.from && known.at >= *out.from && known.at <= *out.to;
        if (within && !again.contains(known.id)) out.missed.push_back(known);
    }
}

}  // namespace

Result<void> read_past(Journal const& journal, History& into) {
    constexpr std::size_t batch = 500;
    std::map<std::string, std::size_t> by_id;
    for (std::uint64_t next = 1;;) {
        auto const records = journal.read(next, batch);
        if (!records) return tl::unexpected<Error>(records.error());
        if (records->empty()) return {};
        next = records->back().seq + 1;
        for (auto const& record : *records) {
            auto const body = read_body(record);
            if (!body) continue;  // of another version; its kind is none of these
            if (auto const* const made = std::get_if<DeploymentRecorded>(&*body)) {
                auto const& deployment = made->deployment;
                if (made->own || made->repeated) continue;
                into.deployments.push_back(
                    {made->service, deployment.version, deployment.started_at.wall,
                     deployment.known_good}
                );
            } else if (auto const* const good = std::get_if<KnownGood>(&*body)) {
                into.deployments.push_back({good->service, good->version, record.at, true});
            } else if (auto const* const opened = std::get_if<IncidentOpened>(&*body)) {
                auto const& incident = opened->incident;
                auto const trigger =
                    incident.triggers.empty() ? "" : incident.triggers.front().trigger;
                by_id[incident.id] = into.incidents.size();
                into.incidents.push_back({incident.id, incident.service, trigger, record.at, false}
                );
            } else if (auto const* const verdict = std::get_if<VerdictRecord>(&*body)) {
                auto const known = by_id.find(verdict->id);
                if (known != by_id.end() && verdict->verdict == "false-positive") {
                    into.incidents[known->second].false_positive = true;
                }
            }
        }
    }
}

Result<Backtest> backtest_over(std::shared_ptr<Policy const> policy, History const& history) {
    Backtest out;
    auto tapes = Tapes::open(*policy, history.logs);
    if (!tapes) return tl::unexpected<Error>(tapes.error());
    auto first = tapes->next();
    if (!first) {
        out.logs = tapes->counts();
        out.silent = tapes->silent(*policy);
        return out;
    }
    out.from = out.to = wall_of(first->at);
    Past past(proposing(*policy), at(*out.from - 1s));
    for (auto const& [service, version] : history.known_good) {
        past.deploy({service, version, {}, true});
    }
    auto deployments = history.deployments;
    std::stable_sort(deployments.begin(), deployments.end(), [](auto const& a, auto const& b) {
        return a.at < b.at;
    });
    for (auto const& deployment : deployments) {
        if (policy->service(deployment.service) == nullptr) continue;
        past.plan(at(deployment.at).boot, [&past, &deployment] { past.deploy(deployment); });
    }
    for (auto sample = std::move(first); sample; sample = tapes->next()) {
        past.run_until(std::max(past.now.boot, sample->at));
        past.observe(std::span(&*sample, 1));
    }
    past.run_until(past.now.boot);
    out.to = past.now.wall;
    out.logs = tapes->counts();
    out.silent = tapes->silent(*policy);
    find_all(past, history, out);
    return out;
}

}  // namespace rollbackd::cli

// Silence, which alerts and never acts, and releases that nobody announced.
#include "tests/simulation/model.hpp"

#include <algorithm>

namespace rollbackd::simulation {

using namespace std::chrono_literals;

namespace {

/// Answers in a row that make a version one that has come to stay (docs/signals.md).
constexpr std::size_t answers_wanted = 3;

/// A version that a signal has shown since another was seen last.
struct Shown {
    std::string version;
    std::optional<Time> before;  // when the other one was seen last
    std::vector<Time> at;
};

std::vector<Shown> shown(std::vector<Watcher::Said> const& said) {
    std::vector<Shown> out;
    for (auto const& one : said) {
        if (out.empty() || out.back().version != one.text) {
            auto const before = out.empty() ? std::nullopt : std::optional(out.back().at.back());
            out.push_back({one.text, before, {}});
        }
        out.back().at.push_back(one.at);
    }
    return out;
}

}  // namespace

// Just before something is heard: was it silence until now?
void Model::note_silence(
    std::string const& name, TriggerPolicy const& trigger, Meanings const& means
) {
    auto const key = name + "/" + trigger.name;
    Watcher::Look look{name, timeline_.now() - Duration(1), Time::min(), Time::min()};
    auto const floor = services_[name].floors.find(trigger.name);
    if (floor != services_[name].floors.end()) look.since = floor->second;
    if (watcher_.judge(means, look) == Verdict::true_) true_at_[key] = timeline_.now();
}

void Model::look_for_silence(Time now) {
    if (!times_are_known() || lossy_) return;
    for (auto const& service : policy_->services) {
        for (auto const& trigger : service.triggers) {
            auto const* const means = meaning(trigger);
            bool const quiet = means != nullptr && means->front().is_quiet();
            if (!quiet || trigger.only_after_deploy) continue;
            Watcher::Look look{service.name, now, Time::min(), Time::min()};
            auto const& floors = services_[service.name].floors;
            if (auto const floor = floors.find(trigger.name); floor != floors.end()) {
                look.since = floor->second;
            }
            auto const from = watcher_.quiet_from(means->front(), look);
            if (!from || now - std::max(*from, undisturbed_) < trigger.for_ + 30s) continue;
            bool const known =
                std::any_of(incidents_.begin(), incidents_.end(), [&](auto const& entry) {
                    auto const& incident = entry.second;
                    if (incident.service != service.name || incident.state == "resolved")
                        return false;
                    auto const firing = incident.firings.find(trigger.name);
                    return firing != incident.firings.end() && !firing->second.cleared;
                });
            require(
                known, "A7", service.name + "/" + trigger.name + " hears nothing, and nobody knows"
            );
        }
    }
}

// Missing data is no failure: what is true by silence alone never acts by itself.
void Model::judge_silence(BookRun const& found, BookIncident const& incident) {
    for (auto const& name : found.answers) {
        auto const firing = incident.firings.find(name);
        if (firing == incident.firings.end() || firing->second.raised) continue;
        auto const* const means = meaning(firing->second);
        bool const quiet = means != nullptr && means->front().is_quiet();
        require(!quiet || !found.automatic, "4", found.id + " acts because nothing was heard");
    }
}

void Model::put_into_effect(BookService& service, std::string const& version) const {
    if (service.current != version) service.left[service.current] = now_;
    service.current = version;
}

// Since then, by whomever; or a run has put it there, or was to undo it and has not.
bool Model::is_recorded(std::string const& name, std::string const& version, Time since) const {
    auto const& service = services_.at(name);
    if (service.current == version || service.waiting == version) return true;
    auto const& all = service.deployments;
    bool const told = std::any_of(all.begin(), all.end(), [&](BookDeployment const& one) {
        return one.in_effect && one.version == version && one.seen >= since;
    });
    if (told) return true;
    return std::any_of(runs_.begin(), runs_.end(), [&](auto const& entry) {
        auto const& run = entry.second;
        bool const meant = run.target == version || run.blamed == version;
        if (run.service != name || !meant || !run.started) return false;
        auto const over = run.verifying ? run.verifying : run.ended;
        return !over || *over >= since;
    });
}

// A6 (a), (b): what a signal shows and nobody announced is a deployment once it has come to stay;
// it began after the one before it was seen last, so that it is blamed for nothing older, and no
// later than it was seen.
void Model::judge_unannounced(
    std::string const& name, BookDeployment const& made, std::string const& signal
) {
    auto const all = shown(watcher_.texts(name, signal, now_));
    auto const what = made.version + " of " + name + " is recorded by " + signal;
    auto last = std::find_if(all.rbegin(), all.rend(), [&](Shown const& one) {
        return one.version == made.version && one.at.size() >= answers_wanted;
    });
    require(last != all.rend() || lossy_, "A6", what + ", which has not shown it three times");
    if (last == all.rend() || broken()) return;
    if (last->before && times_are_known()) {
        auto const& told = services_[name].deployments;
        bool const history = std::any_of(told.begin(), told.end(), [&](BookDeployment const& one) {
            return one.version == made.version && one.replaced;
        });
        bool const known = !history && is_recorded(name, made.version, *last->before);
        require(!known, "A6", what + ", and was recorded already");
    }
    if (!times_are_known() || clock_steps) return;
    auto const first = last->at.front();
    require(made.started <= first + 1ms, "A6", what + " as begun after failures of its own");
    if (!last->before) return;
    auto const earliest = std::min(*last->before, first);
    bool const too_early = made.started < earliest - 1ms && now_ - earliest < 50min;
    require(!too_early, "A6", what + " as begun while another was in effect");
}

void Model::look_for_releases(Time now) {
    if (lossy_ || !times_are_known() || clock_steps) return;
    for (auto const& service : policy_->services) {
        auto const* const signal = service.signal(release_signal);
        if (signal == nullptr) continue;
        auto const all = shown(watcher_.texts(service.name, signal->name, now));
        if (all.empty() || !all.back().before || all.back().at.size() < answers_wanted) continue;
        auto const& last = all.back();
        auto const& recorded = services_[service.name].deployments;
        bool const older =
            std::any_of(recorded.begin(), recorded.end(), [&](BookDeployment const& one) {
                return one.recorded >= last.at[answers_wanted - 1];
            });
        if (older) continue;  // whoever recorded that knew better
        if (now - std::max(last.at[answers_wanted - 1], undisturbed_) < 30s) continue;
        // It was called so when it was seen, and something else is by now.
        auto const& left = services_[service.name].left;
        auto const gone = left.find(last.version);
        if (gone != left.end() && gone->second >= *last.before) continue;
        require(
            is_recorded(service.name, last.version, *last.before), "A6",
            last.version + " is in effect in " + service.name + ", and nobody has recorded it"
        );
    }
}

}  // namespace rollbackd::simulation

// What comes and goes by itself, and what breaks all at once, is for people.
#include "tests/simulation/model.hpp"

#include <algorithm>

namespace rollbackd::simulation {

using namespace std::chrono_literals;

// Three services that break within a minute have a shared cause, unless a person says otherwise.
void Model::judge_storm(BookRun const& found, BookIncident const& incident) {
    bool const harmless = found.undoes == "nothing" && found.loss == "none";
    auto const firing = incident.firings.find(found.answers.empty() ? "" : found.answers.front());
    if (harmless || firing == incident.firings.end() || !times_are_known()) return;
    auto const& mine = firing->second;
    if (mine.blame == "any" || mine.raised) return;
    std::set<std::string> broken{incident.service};
    bool lifted = false;
    for (auto const& [id, other] : incidents_) {
        bool const together =
            id == incident.id ||
            (!other.alert_only &&
             std::any_of(other.firings.begin(), other.firings.end(), [&](auto const& entry) {
                 auto const apart = entry.second.fired - mine.fired;
                 return !entry.second.raised && apart <= 1min - 1s && -apart <= 1min - 1s;
             }));
        if (!together) continue;
        if (other.state != "resolved") broken.insert(other.service);
        for (auto const& run : other.runs) {
            auto const& one = runs_[run];
            lifted = lifted || (one.storm && one.started && *one.started >= mine.fired - 1s);
        }
    }
    require(
        broken.size() < 3 || lifted, "c", found.id + " undoes something in the midst of a storm"
    );
}

// What has changed by itself more than six times in ten minutes is for people.
void Model::judge_flapping(BookRun const& found, BookIncident const& incident) {
    for (auto const& name : found.answers) {
        auto const firing = incident.firings.find(name);
        if (firing == incident.firings.end() || firing->second.raised) continue;
        auto const known = changes_.find(found.service + "/" + name);
        if (known == changes_.end() || !times_are_known()) continue;
        auto const& all = known->second.by_itself;
        // An append with an unknown result may be read long after it was decided.
        auto const recent = std::count_if(all.begin(), all.end(), [&](Time at) {
            return at > now_ - 10min + 1s && at <= now_;
        });
        require(
            recent <= 6, "f", found.id + " answers " + name + ", which comes and goes by itself"
        );
    }
}

bool Model::attended(std::string const& service) const {
    return std::any_of(incidents_.begin(), incidents_.end(), [&](auto const& entry) {
        auto const& incident = entry.second;
        if (incident.service != service || incident.state == "resolved") return false;
        return incident.asking || incident.state == "acting" || incident.state == "verifying" ||
               incident.state == "waiting";
    });
}

// Only what surely was no doing of rollbackd's: nothing of it since the last look. What has not
// been true for its `for` is no change yet.
void Model::note_change(std::string const& service, TriggerPolicy const& trigger, Verdict verdict) {
    auto& changes = changes_[service + "/" + trigger.name];
    if (verdict != Verdict::true_) changes.true_from.reset();
    if (verdict == Verdict::unknown) return;
    if (verdict == Verdict::true_) {
        if (!changes.true_from) changes.true_from = timeline_.now();
        if (timeline_.now() - *changes.true_from < trigger.for_) return;
    }
    auto const before = std::exchange(changes.last, verdict);
    auto const since = std::exchange(changes.looked, timeline_.now());
    auto const hand = attended_.find(service);
    bool const ours = hand != attended_.end() && hand->second >= since;
    if (!before || *before == verdict || ours) return;
    changes.by_itself.push_back(timeline_.now());
    if (changes.by_itself.size() > 20) changes.by_itself.pop_front();
}

}  // namespace rollbackd::simulation

// Nobody answers, or nobody can be told: everybody is told again, and who is to be told instead.
#include "core/names.hpp"
#include "tests/simulation/model.hpp"

namespace rollbackd::simulation {

using namespace std::chrono_literals;

namespace {

// What the daemon may be late by, where nothing was wrong with it: its own messages go first.
constexpr Duration late_max = 30s;

bool is_over(BookIncident const& incident) {
    if (incident.state == "resolved") return true;
    return incident.recovered &&
           std::all_of(incident.firings.begin(), incident.firings.end(), [](auto const& entry) {
               return entry.second.cleared;
           });
}

Time broken_since(BookIncident const& incident) {
    auto since = incident.worse.value_or(incident.opened);
    if (!incident.recovered) return since;
    for (auto const& [name, firing] : incident.firings) {
        if (!firing.cleared) since = std::max(since, firing.fired);
    }
    return since;
}

}  // namespace

bool pages(BookIncident const& incident) {
    return incident.firings.empty() ||
           std::any_of(incident.firings.begin(), incident.firings.end(), [](auto const& entry) {
               return entry.second.response != "propose";
           });
}

void Model::note_answer(std::string const& incident, std::string const& by) {
    if (!by.empty()) incidents_[incident].answered = true;
}

std::optional<Duration> Model::respond_within(BookIncident const& incident) const {
    for (auto const& [severity, within] : policy_->daemon.respond_within) {
        if (to_string(severity) == incident.severity) return within;
    }
    return std::nullopt;
}

void Model::on_unanswered(Json const& body) {
    auto& incident = incidents_[word(body, "id")];
    auto const& id = incident.id;
    auto const within = respond_within(incident);
    require(within.has_value(), "A7", id + " is told again, and its severity names no time");
    if (broken()) return;
    require(!incident.answered, "A7", id + " is told again, though somebody has answered");
    require(!is_over(incident), "A7", id + " is told again, though it is over");
    require(!silenced(incident.service), "f", id + " is told again in a silence");
    auto const last = incident.told_again.value_or(broken_since(incident));
    // A reboot places what was before it by the wall clock.
    auto const tolerance = rebooted_ ? Duration(2s) : Duration::zero();
    bool const early = times_are_known() && now_ - last < *within - tolerance;
    require(!early, "A7", id + " is told again before its time");
    incident.told_again = now_;
    refusals_told_.erase(id);
    again_now_.insert(id);
}

void Model::on_fell_back(Json const& body) {
    auto const id = word(body, "id");
    require(outbox_.contains(id), "1", id + " is handed on, and nobody waits for it");
    require(fallen_.insert(id).second, "1", id + " is handed on twice");
    for (auto const& incident : tells_[id]) again_now_.insert(incident);
}

/// Whoever is to be told again, or instead, is in the same transaction.
void Model::judge_told_again() {
    for (auto const& id : again_now_) {
        if (id.empty()) continue;
        require(told_now_.contains(id), "1", id + " was to be told again, and nobody is");
    }
    again_now_.clear();
}

// Some trigger of it is true, or it waits for a person.
bool Model::stands(BookIncident const& incident) const {
    if (incident.state == "frozen" || incident.state == "unverified") return true;
    return std::any_of(incident.firings.begin(), incident.firings.end(), [&](auto const& entry) {
        auto const& [name, firing] = entry;
        auto const* const means = meaning(firing);
        if (firing.cleared || (means == nullptr && !firing.raised)) return false;
        if (firing.raised) return true;
        Watcher::Look look{incident.service, now_, Time::min(), Time::min(), now_};
        auto const& floors = services_.at(incident.service).floors;
        auto const floor = floors.find(name);
        if (floor != floors.end()) look.since = floor->second;
        bool is_true = watcher_.is_surely_true(*means, look);
        look.with_held = false;
        is_true = is_true && watcher_.is_surely_true(*means, look);
        look.seen_until = now_ - Duration(1);
        return is_true && watcher_.is_surely_true(*means, look);
    });
}

// The end of a silence tells what is still broken, and nothing of what is over or pages nobody.
void Model::judge_silence_ended() {
    auto const told = std::exchange(still_so_now_, {});
    auto const ended = std::exchange(silence_ended_now_, std::nullopt);
    for (auto const& id : told) {
        auto const& incident = incidents_[id];
        require(ended.has_value(), "A7", id + " is told of as still so, and no silence has ended");
        require(!silenced(incident.service), "f", id + " is told of in a silence");
        require(pages(incident), "A1", id + " is only proposed, and people are told of it");
    }
    if (!ended || lossy_ || !times_are_known()) return;
    for (auto const& [id, incident] : incidents_) {
        bool const its = ended->empty() || *ended == incident.service;
        bool const meant = its && incident.state != "resolved" && pages(incident) &&
                           !silenced(incident.service) && !entered_now_.contains(id);
        if (!meant || policy_->service(incident.service) == nullptr) continue;
        require(
            told_now_.contains(id) || !stands(incident), "A7",
            id + " is still so at the end of a silence, and nobody is told"
        );
    }
}

void Model::look_for_answers(Time now) {
    if (!times_are_known()) return;
    for (auto const& [id, incident] : incidents_) {
        if (is_over(incident) || incident.answered) continue;
        auto const within = respond_within(incident);
        if (!within || !pages(incident) || silenced(incident.service) || incident.told_again)
            continue;
        auto const since = std::max(broken_since(incident) + *within, undisturbed_);
        require(now - since < late_max, "A7", id + " is unanswered and nobody is told again");
    }
}

}  // namespace rollbackd::simulation

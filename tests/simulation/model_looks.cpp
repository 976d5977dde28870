// Before the first step of a run every step was asked, and none that is certain has said no.
#include "tests/simulation/model.hpp"

#include <algorithm>

namespace rollbackd::simulation {

namespace {

using namespace std::chrono_literals;

// What is asked is decided on once the journal has taken what came before it.
constexpr Duration decided_within = 5min;

}  // namespace

void Model::asked_by_hand(
    std::string const& service, std::string const& playbook, Answer const& answer, bool force
) {
    auto& asked = services_[service].by_hand[playbook];
    asked.push_back({timeline_.now(), force || !answer.preflight.contains(playbook)});
}

void Model::judge_looks(BookRun const& found, BookIncident const& incident) {
    bool const asks = std::any_of(found.steps.begin(), found.steps.end(), [](auto const& step) {
        return step.type == "exec";
    });
    if (!asks || forced_.contains(found.plan)) return;
    bool const at_once = found.manual && found.state != "waiting";
    if (at_once) {
        auto const& asked = services_[found.service].by_hand[found.playbook];
        bool const may = std::any_of(asked.begin(), asked.end(), [&](auto const& one) {
            return one.may_run && now_ - one.at < decided_within;
        });
        require(may, "d", found.id + " started by hand though a step of it cannot work");
        return;
    }
    // A question that another has overtaken may be answered later than that one.
    bool asked = false;
    bool may = false;
    for (auto const& [at, answer] : incident.answers) {
        if (at > now_ || !answer.asked.contains(found.plan)) continue;
        asked = true;
        may = may || !answer.preflight.contains(found.playbook);
    }
    require(asked, "d", found.id + " started and its steps were not asked");
    require(may, "d", found.id + " started though a step of it cannot work");
}

// That a plan cannot be carried out is said to everybody once, as long as nothing changes.
void Model::judge_told_once(Json const& body) {
    auto const& message = *find(body, "message");
    auto const text = word(message, "text");
    bool const refused = text.find(" cannot be carried out: ") != std::string::npos ||
                         text.find(" cannot be restored: ") != std::string::npos;
    auto const incident = word(message, "incident");
    if (!refused || incident.empty()) return;
    bool const again = word(message, "text").starts_with("Still so");
    if (again || word(message, "event") != "incident.opened") return;
    auto& [newest, told_by] = refusals_told_[incident][word(message, "channel")];
    auto const merged = words(body, "merges");
    bool const unsent = std::find(merged.begin(), merged.end(), told_by) != merged.end();
    require(newest != text || unsent, "7", incident + ": the same refusal is told twice");
    newest = text;
    told_by = word(message, "id");
}

}  // namespace rollbackd::simulation

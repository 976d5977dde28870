// What must be true of the world for a version to be called good.
#include "tests/simulation/model.hpp"

#include <algorithm>

namespace rollbackd::simulation {

using namespace std::chrono_literals;

void Model::overheard(Sample const& sample, Time at) {
    auto const* const counts = std::get_if<OutcomesValue>(&sample.value);
    if (counts == nullptr || counts->success == 0) return;
    auto& newest = heard_good_.emplace(sample.service, at).first->second;
    newest = std::max(newest, at);
}

// Nothing is called good while a trigger is true that may do something about it.
void Model::judge_broken(std::string const& name, std::string const& version) {
    if (lossy_) return;
    for (auto const& [id, incident] : incidents_) {
        bool const open = incident.service == name && incident.state != "resolved";
        if (!open || incident.alert_only) continue;
        for (auto const& [trigger, firing] : incident.firings) {
            auto const* const means = meaning(firing);
            if (firing.cleared || means == nullptr) continue;
            Watcher::Look look{name, now_, Time::min(), Time::min(), now_};
            auto const floor = services_[name].floors.find(trigger);
            if (floor != services_[name].floors.end()) look.since = floor->second;
            bool stands = watcher_.is_surely_true(*means, look);
            look.with_held = false;
            stands = stands && watcher_.is_surely_true(*means, look);
            look.seen_until = now_ - Duration(1);
            stands = stands && watcher_.is_surely_true(*means, look);
            require(!stands, "A1", version + " is called good while " + trigger + " is true");
        }
    }
}

void Model::on_known_good(Json const& body) {
    auto const name = word(body, "service");
    auto const version = word(body, "version");
    auto& service = services_[name];
    auto const* const policy = policy_->service(name);
    require(service.current == version, "A1", version + " is called good and not in effect");
    require(
        service.versions[version].standing == "baking", "A1",
        version + " is good and was not baking"
    );
    service.versions[version].standing = "known-good";
    auto const* const deployment = blamed(service);
    require(deployment != nullptr, "A1", version + " is good and was never deployed");
    if (policy == nullptr || broken() || !times_are_known()) return;
    require(
        now_ - deployment->started + blur() >= policy->bake, "A1",
        version + " is good before it has baked"
    );
    auto const heard = heard_good_.find(name);
    bool good = heard != heard_good_.end() && heard->second > deployment->started;
    for (auto const& signal : policy->signals) {
        good = good || watcher_.newest_is_good(name, signal.name, deployment->started, now_, now_);
        bool const fails = watcher_.newest_fails(name, signal.name, deployment->started, now_);
        require(!fails, "A1", version + " is called good and " + signal.name + " fails");
    }
    require(good || lossy_, "A1", version + " is called good and nothing good was seen");
    judge_broken(name, version);
    auto const from = window_of(name, *deployment);
    for (auto const& [id, other] : runs_) {
        bool const undid = other.service == name && other.started && !other.blamed.empty() &&
                           other.target != version;
        auto const over = other.verifying ? other.verifying : other.ended;
        require(
            !undid || (over && *over < deployment->started), "A1",
            version + " is called good and " + id + " may have put another in its place"
        );
    }
    for (auto const& [id, incident] : incidents_) {
        bool const disturbs = incident.service == name && !incident.alert_only &&
                              incident.opened > std::max(from, deployment->recorded) &&
                              !incident.firings.empty();
        require(!disturbs, "A1", version + " is called good though " + id + " disturbed it");
    }
}

}  // namespace rollbackd::simulation

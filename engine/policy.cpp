#include "engine/policy.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

template <class T>
T const* by_name(std::vector<T> const& items, std::string_view name) {
    auto const found =
        std::find_if(items.begin(), items.end(), [&](T const& item) { return item.name == name; });
    return found == items.end() ? nullptr : &*found;
}

}  // namespace

SignalPolicy const* ServicePolicy::signal(std::string_view wanted) const {
    return by_name(signals, wanted);
}
TriggerPolicy const* ServicePolicy::trigger(std::string_view wanted) const {
    return by_name(triggers, wanted);
}
Playbook const* ServicePolicy::playbook(std::string_view wanted) const {
    return by_name(playbooks, wanted);
}
ServicePolicy const* Policy::service(std::string_view wanted) const {
    return by_name(services, wanted);
}
ChannelPolicy const* Policy::channel(std::string_view wanted) const {
    return by_name(channels, wanted);
}
HostPolicy const* Policy::host(std::string_view wanted) const { return by_name(hosts, wanted); }

Resolved resolve(
    Policy const& policy, ServicePolicy const& service, TriggerPolicy const& trigger,
    Classification const& measured
) {
    Resolved out;
    out.classification = trigger.classify;
    auto const fill = [](auto& known, auto const& other) {
        if (!known) known = other;
    };
    fill(out.classification.impact, measured.impact);
    fill(out.classification.users, measured.users);
    fill(out.classification.data_risk, measured.data_risk);
    fill(out.classification.cause, measured.cause);

    if (!trigger.severity || !trigger.response) {
        auto const choice = choose(policy.matrix, out.classification);
        out.matrix_row = choice.row;
        out.severity = choice.severity;
        out.response = choice.response;
        // A role without a playbook of its name cannot be run here.
        std::erase_if(out.response.rungs, [&](Rung const& rung) {
            return service.playbook(rung.run) == nullptr;
        });
        if (out.response.kind == ResponseKind::ladder && out.response.rungs.empty()) {
            out.response.kind = ResponseKind::alert;
        }
    }
    if (trigger.severity) out.severity = *trigger.severity;
    if (trigger.response) out.response = *trigger.response;
    if (trigger.severity && trigger.response) out.matrix_row = 0;
    for (auto& rung : out.response.rungs) {
        if (!rung.within) rung.within = trigger.within;
    }
    return out;
}

bool is_acting(Resolved const& resolved) {
    return resolved.response.kind == ResponseKind::ladder && !resolved.response.rungs.empty();
}

}  // namespace rollbackd

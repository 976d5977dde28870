// What is known of a service beside its samples: whether its playbooks could be run, and which
// modes its steps have left on.
#include "core/names.hpp"
#include "engine/draft.hpp"

namespace rollbackd {

namespace {

constexpr std::size_t why_max = 500;

void tell_unready(Draft& draft, ServicePolicy const& service, ReadinessSeen const& event) {
    auto const command = "rollbackctl run " + service.name + " " + event.playbook + " --dry-run";
    queue_message(
        draft, "", "playbook.not_ready", service.notify,
        "P2 " + service.name + ": " + event.playbook +
            " could not be run now: " + printable_line(event.why, why_max) + "\n" +
            "rollbackd: looked before it is needed; nothing is wrong yet\n" +
            "Next: it looks again, and says when it can be run\n" + "You: mend it; see: " + command,
        command, Duration::zero()
    );
}

void tell_ready(Draft& draft, ServicePolicy const& service, std::string const& playbook) {
    queue_message(
        draft, "", "playbook.ready", service.notify,
        service.name + ": " + playbook + " can be run again", "", Duration::zero()
    );
}

// The playbook that switches a mode off again.
std::string way_back(Draft const& draft, std::string const& name, std::string const& mode) {
    auto const* const service = draft.policy.service(name);
    if (service == nullptr) return "";
    for (auto const& playbook : service->playbooks) {
        for (auto const& step : playbook.steps) {
            auto const what = text_of(Json(step.params), "do");
            bool const ends = step.type == mode && (what == "off" || what == "open");
            if (ends) return ": rollbackctl run " + name + " " + playbook.name;
        }
    }
    return "";
}

}  // namespace

std::optional<std::string> mode_left_on(Draft const& draft, std::string const& id) {
    auto const& service = draft.incident(id).service;
    for (auto const& [mode, incident] : draft.state.service(service).modes) {
        if (incident == id) return mode + " is still on" + way_back(draft, service, mode);
    }
    return std::nullopt;
}

void on(Draft& draft, ReadinessSeen const& event) {
    auto const* const service = draft.policy.service(event.service);
    if (service == nullptr || service->playbook(event.playbook) == nullptr) return;
    auto const& all = draft.state.service(event.service).readiness;
    auto const known = all.find(event.playbook);
    bool const ready = event.why.empty();
    bool const first = known == all.end();
    bool const was_ready = !first && known->second.ready;
    if (!first && was_ready == ready) return;
    draft.write(
        ReadinessChanged{event.service, event.playbook, ready, printable_line(event.why, why_max)}
    );
    if (is_silenced(draft.state, event.service)) return;
    if (!ready) tell_unready(draft, *service, event);
    if (ready && !first) tell_ready(draft, *service, event.playbook);
}

}  // namespace rollbackd

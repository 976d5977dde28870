// Ports that no step may close, as far as a policy shows them: the way in of whoever must mend it.
// The step itself looks again at what listens there (actions/steps/firewall_script.hpp).
#include "config/lint.hpp"
#include "config/scalars.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

/// Why the port stays open; empty: nothing known.
std::string way_in(Policy const& policy, Step const& step, std::string const& port) {
    if (!step.host.empty()) {
        auto const host =
            std::find_if(policy.hosts.begin(), policy.hosts.end(), [&](HostPolicy const& known) {
                return known.name == step.host;
            });
        if (host != policy.hosts.end() && std::to_string(host->port) == port) {
            return "the one rollbackd's own ssh connection to " + step.host + " uses";
        }
    }
    for (auto const& text : policy.daemon.listen) {
        auto const address = parse_listen(text);
        bool const listens = address && !address->is_unix && step.host.empty();
        if (listens && std::to_string(address->port) == port) return "rollbackd's own API";
    }
    return port == "22" ? "the port of ssh" : "";
}

void check_step(Lint const& lint, std::string const& at, Step const& step) {
    if (step.type != "firewall") return;
    auto const* const verb = step.params.if_contains("do");
    bool const opens = verb != nullptr && *verb == Json("open") && !step.params.contains("to");
    auto const* const ports = step.params.if_contains("ports");
    for (auto const& port :
         ports && ports->is_array() && !opens ? ports->get_array() : JsonArray{}) {
        if (!port.is_string()) continue;
        auto const why = way_in(lint.policy, step, std::string(port.get_string()));
        if (why.empty()) continue;
        lint.error(
            at + ".firewall.ports",
            "port " + std::string(port.get_string()) + " is " + why + ", and is never closed"
        );
    }
    bool const from = step.params.contains("from") || !step.host.empty();
    if (step.params.contains("addresses") && !from) {
        lint.error(
            at + ".firewall.addresses",
            "a machine that asks itself is not outside; say from: another one of hosts"
        );
    }
}

}  // namespace

void lint_firewall(Lint const& lint) {
    for (auto const& service : lint.policy.services) {
        for (auto const& playbook : service.playbooks) {
            auto const path = path_of(service, "playbooks", playbook.name);
            for (std::size_t i = 0; i < playbook.steps.size(); ++i) {
                check_step(lint, path + ".steps." + std::to_string(i), playbook.steps[i]);
            }
            for (std::size_t i = 0; i < playbook.always.size(); ++i) {
                check_step(lint, path + ".always." + std::to_string(i), playbook.always[i]);
            }
        }
    }
}

}  // namespace rollbackd

// The daemon's own keys: who may reach it, and limits that contradict each other.
#include "config/lint.hpp"
#include "config/scalars.hpp"
#include "core/names.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

void check_listen(Lint const& lint) {
    auto const& daemon = lint.policy.daemon;
    for (std::size_t i = 0; i < daemon.listen.size(); ++i) {
        auto const address = parse_listen(daemon.listen[i]);
        if (!address || address->loopback) continue;
        auto const path = "daemon.listen." + std::to_string(i) + "=";
        auto const shown = printable(daemon.listen[i], 80);
        if (!daemon.tls) {
            lint.error(path, shown + " can be reached from elsewhere and needs tls: cert and key");
        }
        if (!daemon.knows_callers()) {
            lint.error(
                path, shown +
                          " can be reached from elsewhere and needs tokens; make one with: "
                          "rollbackctl token new"
            );
        }
    }
}

/// `path` is where limits were written; a service that wrote none repeats the daemon's.
void check_limits(Lint const& lint, Limits const& limits, std::string const& path) {
    if (!lint.written(path)) return;
    if (limits.cooldown < limits.settle) {
        auto const at = lint.written(path + ".cooldown") ? path + ".cooldown=" : path + ".settle=";
        lint.error(
            at, "cooldown (" + format_duration(limits.cooldown) + ") is shorter than settle (" +
                    format_duration(limits.settle) +
                    "): the next run could start while the last one is still being verified"
        );
    }
    if (limits.runs_per_day < limits.runs_per_hour) {
        lint.warn(
            path, "runs_per_day (" + std::to_string(limits.runs_per_day) +
                      ") is below runs_per_hour (" + std::to_string(limits.runs_per_hour) +
                      "), which can never be used up"
        );
    }
}

bool has_socket(std::vector<std::string> const& listen) {
    return std::any_of(listen.begin(), listen.end(), [](std::string const& address) {
        return address.starts_with("unix:");
    });
}

bool has_ladder(ServicePolicy const& service) {
    return std::any_of(
        service.triggers.begin(), service.triggers.end(),
        [](TriggerPolicy const& trigger) {
            return trigger.response && trigger.response->kind == ResponseKind::ladder;
        }
    );
}

}  // namespace

void lint_daemon(Lint const& lint) {
    auto const& policy = lint.policy;
    check_listen(lint);
    check_limits(lint, policy.daemon.limits, "daemon.limits");
    for (auto const& service : policy.services) {
        check_limits(lint, service.limits, "services." + service.name + ".limits");
    }
    bool const acts = std::any_of(policy.services.begin(), policy.services.end(), has_ladder);
    if (acts && !lint.written("daemon.autonomy")) {
        lint.warn(
            "daemon",
            "daemon.autonomy is not set, so it is observe: decisions are recorded, "
            "nothing is done; write observe, advise or enforce"
        );
    }
    bool const asks_people = acts && policy.daemon.autonomy != Autonomy::observe;
    if (asks_people && !policy.daemon.knows_callers() && !has_socket(policy.daemon.listen)) {
        lint.warn(
            "daemon",
            "nobody can approve, abort or record a deployment: add a token (rollbackctl token "
            "new) under daemon.tokens, or unix:/run/rollbackd/api.sock to daemon.listen"
        );
    }
    if (policy.services.empty() && lint.sources.errors() == 0) {
        lint.warn("services", "no services: nothing is protected");
    }
}

}  // namespace rollbackd

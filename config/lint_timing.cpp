// Timing that cannot work: what must happen needs longer than it is given.
#include "config/lint.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

std::string shown(Duration duration) { return format_duration(duration); }

void check_signal(Lint const& lint, std::string const& path, SignalPolicy const& signal) {
    if (!signal.is_probe) return;
    if (signal.confirm_every > signal.every) {
        lint.error(
            path + ".confirm_every=", "confirm_every (" + shown(signal.confirm_every) +
                                          ") is longer than every (" + shown(signal.every) +
                                          "): a failure would be confirmed more slowly, not faster"
        );
    }
    if (signal.timeout > signal.every) {
        lint.warn(
            path + ".timeout=", "timeout (" + shown(signal.timeout) + ") is longer than every (" +
                                    shown(signal.every) +
                                    "): a target that does not answer is asked less often"
        );
    }
    if (signal.stale_after && *signal.stale_after < signal.every) {
        lint.error(
            path + ".stale_after=", "stale_after (" + shown(*signal.stale_after) +
                                        ") is shorter than every (" + shown(signal.every) +
                                        "): the signal would be unknown between any two samples"
        );
    }
}

/// The slowest probe a condition reads: how long one sample takes to come.
SignalPolicy const* slowest_probe(ServicePolicy const& service, Condition const& condition) {
    SignalPolicy const* slowest = nullptr;
    for (auto const& name : condition.signals()) {
        auto const* const signal = service.signal(name);
        if (signal == nullptr || !signal->is_probe) continue;
        if (slowest == nullptr || signal->every > slowest->every) slowest = signal;
    }
    return slowest;
}

bool may_run(TriggerPolicy const& trigger, std::string const& playbook) {
    if (!trigger.response || trigger.response->kind != ResponseKind::ladder) return false;
    auto const& rungs = trigger.response->rungs;
    return std::any_of(rungs.begin(), rungs.end(), [&](Rung const& rung) {
        return rung.run == playbook;
    });
}

/// Samples of `signal` a run of `playbook` waits for (A7): those of the triggers it answers.
std::uint32_t samples_wanted(
    ServicePolicy const& service, std::string const& playbook, std::string const& signal
) {
    std::uint32_t wanted = 1;
    for (auto const& trigger : service.triggers) {
        if (trigger.when.empty() || !may_run(trigger, playbook)) continue;
        auto const read = trigger.when.signals();
        bool const reads = std::find(read.begin(), read.end(), signal) != read.end();
        if (reads && !trigger.resolve_after.duration) {
            wanted = std::max(wanted, trigger.resolve_after.samples);
        }
    }
    return wanted;
}

/// One check of `verify` or `success`, and where it was written.
struct TimedCheck {
    ServicePolicy const& service;
    std::string const& playbook;
    std::string path;
    Check const& check;
    bool of_verify;
};

void check_check(Lint const& lint, TimedCheck const& timed_check) {
    auto const& [service, playbook, path, check, of_verify] = timed_check;
    auto const key = check.kind == CheckKind::hold ? ".for" : ".within";
    auto const at = lint.written(path + key) ? path + key + "=" : path;
    auto const settle = service.limits.settle;
    bool const timed = check.kind == CheckKind::until || check.kind == CheckKind::hold;
    if (of_verify && check.limit > settle) {
        lint.error(
            at, shown(check.limit) + " is longer than settle (" + shown(settle) +
                    "), within which verify must pass; raise limits.settle, or move the check to "
                    "success"
        );
    }
    if (!timed || check.limit <= Duration::zero()) return;
    auto const condition = Condition::parse(check.condition);
    if (!condition) return;
    auto const* const probe = slowest_probe(service, *condition);
    if (probe == nullptr) return;
    auto const pace = of_verify ? probe->confirm_every : probe->every;
    if (check.limit < pace) {
        lint.error(
            at, shown(check.limit) + " is too short for one sample of " + probe->name +
                    ", which is asked every " + shown(pace)
        );
        return;
    }
    auto const wanted = of_verify ? samples_wanted(service, playbook, probe->name) : 1;
    if (check.limit >= probe->every * wanted) return;
    if (wanted == 1) {
        return lint.warn(
            at, shown(check.limit) + " is shorter than one period of " + probe->name + " (" +
                    shown(probe->every) + "); only its confirm_every (" + shown(pace) +
                    ") makes a sample likely"
        );
    }
    lint.warn(
        at, shown(check.limit) + " is shorter than the " + std::to_string(wanted) + " samples of " +
                probe->name + " take that end the breach (" + shown(probe->every * wanted) +
                "); only its confirm_every (" + shown(pace) + ") makes them likely"
    );
}

void check_steps(Lint const& lint, std::string const& path, std::vector<Step> const& steps) {
    for (std::size_t i = 0; i < steps.size(); ++i) {
        auto const& step = steps[i];
        auto const* const within = step.params.if_contains("within");
        if (step.type != "wait_until" || within == nullptr || !within->is_int64()) continue;
        Duration const wanted(within->get_int64());
        if (wanted <= step.timeout) continue;
        lint.error(
            path + "." + std::to_string(i) + ".timeout=",
            "timeout (" + shown(step.timeout) + ") is shorter than within (" + shown(wanted) + ")"
        );
    }
}

/// Whether the trigger can be false for resolve_after before settle has passed (A7).
void check_resolve(Lint const& lint, ServicePolicy const& service, TriggerPolicy const& trigger) {
    if (!trigger.response || trigger.response->kind != ResponseKind::ladder) return;
    auto const path = path_of(service, "triggers", trigger.name);
    auto const at = lint.written(path + ".resolve_after") ? path + ".resolve_after=" : path;
    auto const settle = service.limits.settle;
    auto const& resolve = trigger.resolve_after;
    if (resolve.duration) {
        if (*resolve.duration <= settle) return;
        lint.error(
            at, "resolve_after (" + shown(*resolve.duration) + ") is longer than settle (" +
                    shown(settle) + "): no run could ever be verified"
        );
        return;
    }
    if (trigger.when.text().empty()) return;
    auto const* const probe = slowest_probe(service, trigger.when);
    if (probe == nullptr) return;
    auto const needed = probe->confirm_every * resolve.samples;
    if (needed > settle) {
        lint.error(
            at, std::to_string(resolve.samples) + " samples of " + probe->name + ", one every " +
                    shown(probe->confirm_every) + ", need longer than settle (" + shown(settle) +
                    "): no run could ever be verified"
        );
    }
}

/// A breach that begins when no deployment can be blamed any more undoes no release.
void check_patience(Lint const& lint, ServicePolicy const& service, TriggerPolicy const& trigger) {
    if (trigger.for_ < service.watch_window || trigger.blame == Blame::any) return;
    for (auto const& playbook : service.playbooks) {
        if (playbook.undoes != Undoes::release || !may_run(trigger, playbook.name)) continue;
        lint.warn(
            path_of(service, "triggers", trigger.name) + ".for=",
            "for (" + shown(trigger.for_) + ") is not shorter than watch_window (" +
                shown(service.watch_window) + "): " + playbook.name +
                " would never find a deployment to blame"
        );
        return;
    }
}

void check_service(Lint const& lint, ServicePolicy const& service) {
    auto const base = "services." + service.name;
    if (service.start_period >= service.watch_window) {
        auto const written = lint.written(base + ".start_period");
        lint.error(
            base + (written ? ".start_period=" : ".watch_window="),
            "start_period (" + shown(service.start_period) +
                ") is not shorter than watch_window (" + shown(service.watch_window) +
                "): no deployment could ever be blamed"
        );
    }
    if (service.bake <= service.start_period && service.start_period < service.watch_window) {
        lint.warn(
            base + ".bake=", "bake (" + shown(service.bake) +
                                 ") is not longer than start_period (" +
                                 shown(service.start_period) +
                                 "): a release would be known-good before its failures count"
        );
    }
    for (auto const& signal : service.signals) {
        check_signal(lint, base + ".signals." + signal.name, signal);
    }
    for (auto const& trigger : service.triggers) {
        check_resolve(lint, service, trigger);
        check_patience(lint, service, trigger);
    }
    for (auto const& playbook : service.playbooks) {
        auto const path = base + ".playbooks." + playbook.name;
        check_steps(lint, path + ".steps", playbook.steps);
        check_steps(lint, path + ".always", playbook.always);
        for (std::size_t i = 0; i < playbook.verify.size(); ++i) {
            auto const at = path + ".verify." + std::to_string(i);
            check_check(lint, {service, playbook.name, at, playbook.verify[i], true});
        }
        for (std::size_t i = 0; i < playbook.success.size(); ++i) {
            auto const at = path + ".success." + std::to_string(i);
            check_check(lint, {service, playbook.name, at, playbook.success[i], false});
        }
    }
}

}  // namespace

void lint_timing(Lint const& lint) {
    for (auto const& service : lint.policy.services) check_service(lint, service);
}

}  // namespace rollbackd

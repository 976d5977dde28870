// Playbooks that would be unsafe or unwise to run: evidence too late, retries of what may have
// happened, data lost without saying so, ladders that go round.
#include "config/commands.hpp"
#include "config/lint.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

/// What prune is told to keep is no target.
bool uses_name(Playbook playbook, std::string_view name) {
    std::erase_if(playbook.steps, [](Step const& step) { return step.type == "prune"; });
    auto const names = template_names(playbook);
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_evidence(Lint const& lint, Step const& step) {
    auto const* const type = lint.step_type(step.type);
    return type != nullptr && type->evidence;
}

bool destroys(Step const& step) { return !what_it_destroys(step).empty(); }

bool may_lose_data(Step const& step) { return step.type == "exec" || step.type == "http"; }

void check_evidence(Lint const& lint, std::string const& path, Playbook const& playbook) {
    auto const& steps = playbook.steps;
    std::optional<std::size_t> destroyed;
    std::string by;
    bool captured = false;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        auto const at = path + ".steps." + std::to_string(i);
        if (is_evidence(lint, steps[i])) {
            if (destroyed) {
                lint.error(
                    at, "evidence after " + by + " (step " + std::to_string(*destroyed + 1) +
                            ") comes too late; capture it first"
                );
            }
            captured = true;
        } else if (!destroyed) {
            auto const what = what_it_destroys(steps[i]);
            if (what.empty()) continue;
            destroyed = i;
            by = what;
            bool const later =
                std::any_of(steps.begin() + long(i), steps.end(), [&](Step const& step) {
                    return is_evidence(lint, step);
                });
            bool const is_small = what == "rm" || what == "unlink";  // one file, by its name
            if (captured || later || is_small) continue;
            lint.warn(
                at, what +
                        " without capture_evidence before it: what it destroys cannot be "
                        "looked at afterwards"
            );
        }
    }
}

/// A playbook that says it loses data, where no step is known to: then any program it runs may.
void check_declared_loss(Lint const& lint, std::string const& path, Playbook const& playbook) {
    auto const& steps = playbook.steps;
    if (playbook.data_loss == DataLoss::none) return;
    if (std::any_of(steps.begin(), steps.end(), destroys)) return;
    auto const evidence = std::find_if(steps.begin(), steps.end(), [&](Step const& step) {
        return is_evidence(lint, step);
    });
    if (evidence == steps.end()) {
        lint.warn(
            path, "says data_loss: " + to_string(playbook.data_loss) +
                      " and captures no evidence; begin with capture_evidence"
        );
    } else if (std::none_of(evidence, steps.end(), may_lose_data) &&
               std::any_of(steps.begin(), evidence, may_lose_data)) {
        lint.error(
            path + ".steps." + std::to_string(evidence - steps.begin()),
            "evidence after every step that could be the one that loses data (data_loss: " +
                to_string(playbook.data_loss) + ") comes too late; capture it first"
        );
    }
}

void check_step(Lint const& lint, std::string const& path, Step const& step) {
    if (step.retries > 0 && !step.idempotent && step.check.empty()) {
        lint.error(
            path + ".retries=",
            "retries need idempotent: true, or a check that can say whether "
            "the step took effect; nothing is started twice on a guess"
        );
    }
    if (puts_template_into_shell(step)) {
        lint.error(
            path,
            "a template inside a shell line of argv: its value would be read as code; give "
            "it as an argument of its own, or use shell:, where values must be plain"
        );
    }
    bool const nothing = !step.params.contains("commands") && !step.params.contains("files");
    if (step.type == "capture_evidence" && nothing) {
        lint.error(path, "captures nothing; give it commands, files, or both");
    }
}

void check_restarts(Lint const& lint, std::string const& path, std::vector<Step> const& steps) {
    bool edited = false;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        edited = edited || steps[i].edits;
        if (!edited || !is_compose_restart(steps[i])) continue;
        lint.warn(
            path + "." + std::to_string(i),
            "compose restart starts the same container again, with the old environment and image; "
            "an edit takes effect with up -d, changed code with build and up -d"
        );
    }
}

void check_claims(Lint const& lint, std::string const& path, Playbook const& playbook) {
    bool const undoes_data = playbook.undoes == Undoes::schema || playbook.undoes == Undoes::data;
    if (undoes_data && playbook.data_loss == DataLoss::none) {
        lint.warn(
            path + ".undoes",
            "undoing " + to_string(playbook.undoes) +
                " loses what was written since; say data_loss: possible or certain"
        );
    }
    bool const by_backup = !asks_version_of(playbook.steps).empty();
    bool const aims = by_backup || uses_name(playbook, "known_good.version") ||
                      uses_name(playbook, "bad.version");
    if (playbook.undoes == Undoes::release && !aims) {
        lint.warn(
            path + ".undoes",
            "undoes a release, but no step uses {{ known_good.version }} or "
            "{{ bad.version }}: what it goes back to is left to chance"
        );
    }
    if (by_backup && (playbook.undoes == Undoes::release || playbook.undoes == Undoes::nothing)) {
        lint.warn(
            path + ".undoes",
            "the version that belongs to a backup goes with undoes: data or schema; undoes: " +
                to_string(playbook.undoes) +
                (playbook.undoes == Undoes::release ? " goes back to {{ known_good.version }}"
                                                    : " leaves the release as it is")
        );
    }
    if (!takes_release_back(playbook) && uses_name(playbook, "known_good.version")) {
        lint.warn(
            path,
            "uses {{ known_good.version }} without undoes: release, so none of the guards "
            "against a wrong target apply"
        );
    }
    if (playbook.undoes != Undoes::nothing && playbook.verify.empty()) {
        lint.warn(path, "no verify: only the triggers' own conditions will say whether it worked");
    }
    if (playbook.data_loss != DataLoss::none) return;
    for (std::size_t i = 0; i < playbook.steps.size(); ++i) {
        auto const what = what_data_it_loses(playbook.steps[i]);
        if (what.empty()) continue;
        lint.warn(
            path + ".steps." + std::to_string(i),
            what + " may lose data, and the playbook says data_loss: none"
        );
    }
}

/// Follows on_failure from `at` to `start`; the trail ends with who names it.
bool find_loop(
    ServicePolicy const& service, std::string const& start, Playbook const& at,
    std::vector<std::string>& trail
) {
    for (auto const& name : at.on_failure) {
        if (name == start) return true;
        auto const* const next = service.playbook(name);
        if (next == nullptr || std::find(trail.begin(), trail.end(), name) != trail.end()) continue;
        trail.push_back(name);
        if (find_loop(service, start, *next, trail)) return true;
        trail.pop_back();
    }
    return false;
}

void check_loops(Lint const& lint, ServicePolicy const& service) {
    for (auto const& playbook : service.playbooks) {
        std::vector<std::string> trail{playbook.name};
        if (!find_loop(service, playbook.name, playbook, trail)) continue;
        std::string text;
        for (auto const& name : trail) text += name + " → ";
        lint.error(
            path_of(service, "playbooks", playbook.name) + ".on_failure",
            "a ladder that loops: " + text + playbook.name
        );
        return;
    }
}

/// A rung must be able to run by itself, and its on_failure must not lead to a rung above it.
void check_ladder(Lint const& lint, ServicePolicy const& service, TriggerPolicy const& trigger) {
    if (!trigger.response) return;
    auto const& rungs = trigger.response->rungs;
    auto const path = path_of(service, "triggers", trigger.name) + ".response.";
    for (std::size_t i = 0; i < rungs.size(); ++i) {
        auto const* const playbook = service.playbook(rungs[i].run);
        if (playbook == nullptr) continue;
        for (auto const& [name, value] : playbook->inputs) {
            if (!value.is_null()) continue;
            lint.error(
                path + std::to_string(i) + "=",
                rungs[i].run + " needs the input " + std::string(name) +
                    ", which nobody gives when a trigger runs it; give it a default"
            );
        }
        for (std::size_t above = 0; above < i; ++above) {
            std::vector<std::string> trail{rungs[i].run};
            if (!find_loop(service, rungs[above].run, *playbook, trail)) continue;
            lint.error(
                path + std::to_string(i) + "=", "a ladder that loops: on_failure of " +
                                                    trail.back() + " names " + rungs[above].run +
                                                    ", which this ladder has tried before"
            );
        }
    }
}

}  // namespace

void lint_playbooks(Lint const& lint) {
    for (auto const& service : lint.policy.services) {
        for (auto const& playbook : service.playbooks) {
            auto const path = path_of(service, "playbooks", playbook.name);
            check_claims(lint, path, playbook);
            check_evidence(lint, path, playbook);
            check_declared_loss(lint, path, playbook);
            check_restarts(lint, path + ".steps", playbook.steps);
            for (std::size_t i = 0; i < playbook.steps.size(); ++i) {
                check_step(lint, path + ".steps." + std::to_string(i), playbook.steps[i]);
            }
            for (std::size_t i = 0; i < playbook.always.size(); ++i) {
                check_step(lint, path + ".always." + std::to_string(i), playbook.always[i]);
            }
        }
        check_loops(lint, service);
        for (auto const& trigger : service.triggers) check_ladder(lint, service, trigger);
    }
}

}  // namespace rollbackd

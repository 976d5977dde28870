#include "engine/planning.hpp"

#include "actions/template.hpp"
#include "core/scalar.hpp"
#include "engine/live_version.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

constexpr std::string_view saved_prefix = "steps.";
constexpr std::string_view input_prefix = "inputs.";

struct Names {
    ServicePolicy const& service;
    std::string current;
    std::string since;  // when it was deployed; empty: nothing was
    std::string known_good;
    std::string good_schema;  // as recorded at its deployment; empty: it was not
    std::string incident;
    JsonObject const& inputs;

    std::optional<std::string> operator()(std::string_view name) const {
        // Known only while the run goes on: kept as it stands until the step's intent.
        if (name.starts_with(saved_prefix)) return "{{ " + std::string(name) + " }}";
        if (name.starts_with(input_prefix)) {
            auto const* const value = inputs.if_contains(name.substr(input_prefix.size()));
            if (value == nullptr || value->is_null()) return std::nullopt;
            return scalar_text(*value);
        }
        auto const some = [](std::string const& text) -> std::optional<std::string> {
            return text.empty() ? std::nullopt : std::optional(text);
        };
        if (name == "known_good.version") return some(known_good);
        if (name == "known_good.schema") return some(good_schema);
        if (name == "current.version" || name == "bad.version") return some(current);
        if (name == "current.started_at" || name == "bad.started_at") return some(since);
        if (name == "incident.id") return some(incident);
        if (name == "service") return service.name;
        auto const found = service.vars.find(std::string(name));
        return found == service.vars.end() ? std::nullopt : std::optional(found->second);
    }
};

/// What a step that is over has saved, or `part` of what is known of the backup it restored.
std::optional<std::string> saved_value(
    StepRun const& step, std::string_view part, std::string& why
) {
    std::string value;
    if (part.empty()) {
        value = step.saved;
    } else if (!step.as_of) {
        why = "step " + step.name + " has not said of what moment the backup is that it restored" +
              (step.confirmed_by.empty() ? "" : "; " + step.confirmed_by + " has confirmed it");
        return std::nullopt;
    } else if (part == "as_of") {
        value = text_of(*step.as_of);
    } else if (step.version.empty()) {
        why = step.no_version;
        return std::nullopt;
    } else {
        value = step.version;
    }
    return holds_template(value) ? std::nullopt : std::optional(std::move(value));
}

Result<void> render_steps(std::vector<Step>& steps, TemplateValues const& values) {
    for (auto& step : steps) {
        auto params = render_all(step.params, values);
        if (!params) {
            return fail(Errc::invalid, params.error().what, "step " + step.name);
        }
        step.params = params->get_object();
        for (auto& argument : step.check) {
            auto text = render(argument, values);
            if (!text) return fail(Errc::invalid, text.error().what, "check of step " + step.name);
            argument = std::move(*text);
        }
    }
    return {};
}

Result<void> render_checks(std::vector<Check>& checks, TemplateValues const& values) {
    for (auto& check : checks) {
        for (auto& argument : check.argv) {
            auto text = render(argument, values);
            if (!text) return tl::unexpected(text.error());
            argument = std::move(*text);
        }
        auto text = render(check.text, values);
        if (!text) return tl::unexpected(text.error());
        check.text = std::move(*text);
    }
    return {};
}

/// What people read afterwards. A name without a value stays as it stands: no reason not to run.
void render_texts(Plan& plan, TemplateValues const& values) {
    for (auto& text : plan.follow_up) text = render(text, values).value_or(text);
    for (auto& duty : plan.duties) duty.text = render(duty.text, values).value_or(duty.text);
}

Result<JsonObject> fill_inputs(Playbook const& playbook, JsonObject const& given) {
    JsonObject out;
    for (auto const& [name, value] : given) {
        if (!playbook.inputs.contains(name)) {
            return fail(
                Errc::invalid,
                "playbook " + playbook.name + " has no input \"" + std::string(name) + "\""
            );
        }
        if (holds_template(scalar_text(value))) {
            return fail(
                Errc::invalid, "input \"" + std::string(name) +
                                   "\" holds {{ or ${: a value is taken as it is, and what these "
                                   "stand for is not for who gives it"
            );
        }
        out[name] = value;
    }
    for (auto const& [name, otherwise] : playbook.inputs) {
        if (out.contains(name)) continue;
        if (otherwise.is_null()) {
            return fail(
                Errc::invalid, "input \"" + std::string(name) + "\" is required; add --input " +
                                   std::string(name) + "=VALUE"
            );
        }
        out[name] = otherwise;
    }
    return out;
}

}  // namespace

Result<std::string> choose_target(ServiceState const& service, std::string const& service_name) {
    VersionState const* best = nullptr;
    std::string name;
    bool quarantined = false;
    for (auto const& [version, known] : service.versions) {
        if (version == service.current) continue;
        quarantined = quarantined || known.standing == Standing::bad;
        if (known.standing != Standing::known_good) continue;
        if (best != nullptr && best->since.wall >= known.since.wall) continue;
        best = &known;
        name = version;
    }
    if (best != nullptr) return name;
    std::string const mend =
        "; record one with: rollbackctl deploy " + service_name + " VERSION --known-good";
    if (quarantined) {
        return fail(Errc::conflict, "every other version is quarantined" + mend);
    }
    return fail(Errc::not_found, "no other version is known-good" + mend);
}

Result<Plan> make_plan(
    State const& state, ServicePolicy const& service, Playbook const& playbook,
    JsonObject const& inputs, std::string const& incident
) {
    auto const& known = state.service(service.name);
    auto filled = fill_inputs(playbook, inputs);
    if (!filled) return tl::unexpected(filled.error());
    Plan plan;
    plan.service = service.name;
    plan.playbook = playbook.name;
    plan.undoes = playbook.undoes;
    plan.data_loss = playbook.data_loss;
    plan.budget = playbook.budget;
    plan.locks = playbook.locks;
    plan.locks.insert(plan.locks.end(), service.locks.begin(), service.locks.end());
    plan.steps = playbook.steps;
    plan.always = playbook.always;
    plan.verify = playbook.verify;
    plan.success = playbook.success;
    plan.follow_up = playbook.follow_up;
    plan.reminders = playbook.reminders;
    plan.duties = playbook.duties;
    plan.on_failure = playbook.on_failure;
    plan.inputs = std::move(*filled);
    plan.approval = needs_approval(playbook);

    auto const* const deployment = known.current_deployment();
    auto since = deployment ? format_rfc3339(deployment->started_at.wall) : std::string();
    // Run by hand where nothing is open: the incident that this opens.
    auto const next = "INC-" + std::to_string(state.next_incident);
    auto const& opened = incident.empty() ? next : incident;
    Names names{service, known.current, std::move(since), {}, {}, opened, plan.inputs};
    // Which release belongs to a backup is known once that has been chosen.
    bool const found_later =
        playbook.undoes != Undoes::release && !asks_version_of(playbook.steps).empty();
    bool const back = takes_release_back(playbook);
    if (back && !known.current.empty()) plan.blamed = known.current;
    if (back && !found_later) {
        auto target = choose_target(known, service.name);
        if (!target) return tl::unexpected(target.error());
        names.known_good = *target;
        plan.target = std::move(*target);
    } else if (auto target = choose_target(known, service.name)) {
        names.known_good = *target;
    }
    if (auto const good = known.versions.find(names.known_good); good != known.versions.end()) {
        names.good_schema = good->second.facts.schema.value_or("");
    }
    bool const loses = playbook.data_loss != DataLoss::none || playbook.undoes == Undoes::schema ||
                       playbook.undoes == Undoes::data;
    if (loses) {
        plan.data_loss_window =
            "everything written since " + (deployment ? format_moment(deployment->started_at.wall)
                                                      : std::string("the copy that is restored"));
        if (deployment) plan.loses_since = deployment->started_at.wall;
    }
    for (auto* const list : {&plan.steps, &plan.always}) {
        if (auto done = render_steps(*list, names); !done) return tl::unexpected(done.error());
    }
    for (auto* const list : {&plan.verify, &plan.success}) {
        if (auto done = render_checks(*list, names); !done) return tl::unexpected(done.error());
    }
    render_texts(plan, names);
    plan.hash = sha256_hex(to_text(to_json(plan)));
    return plan;
}

std::string lost_by(Plan const& plan, WallTime planned, std::optional<BackupTime> const& as_of) {
    auto text = plan.data_loss_window.value_or("");
    auto since = plan.loses_since;
    if (as_of && !text.empty()) {
        since = as_of->from;
        text = "everything written since the backup of " + format_moment(*since);
    }
    if (since && planned > *since) {
        text += " (" + format_human(planned - *since) + " when it was planned)";
    }
    return text;
}

std::string lost_by(Run const& run) {
    return lost_by(run.plan, run.planned_at.wall, restored_as_of(run));
}

std::optional<BackupTime> restored_as_of(Run const& run) {
    std::optional<BackupTime> out;
    for (auto const& step : run.steps) {
        if (!step.as_of || !planned_step(run, step.n).destructive) continue;
        if (!out || step.as_of->from < out->from) out = step.as_of;
    }
    return out ? out : run.foreseen;
}

Step const& planned_step(Run const& run, std::uint32_t n) {
    auto const main_count = run.plan.steps.size();
    return n <= main_count ? run.plan.steps[n - 1] : run.plan.always[n - 1 - main_count];
}

bool ends_run(StepRun const& step) {
    return !step.always && (step.state == StepState::failed || step.state == StepState::aborted);
}

bool is_on(StepRun const& step) {
    return step.state == StepState::running || step.state == StepState::waiting ||
           step.state == StepState::unknown;
}

bool waits_for_approval(Run const& run) {
    return run.state == RunState::running &&
           std::any_of(run.steps.begin(), run.steps.end(), [](StepRun const& step) {
               return step.state == StepState::waiting && step.type != "manual";
           });
}

bool proves_nothing(Run const& run) { return run.plan.verify.empty() && run.answers.empty(); }

Plan what_is_left(Run const& run) {
    Plan out = run.plan;
    std::vector<Step> left;
    for (auto const& step : run.steps) {
        bool const ahead = step.state == StepState::pending || step.state == StepState::waiting;
        if (!step.always && ahead) left.push_back(planned_step(run, step.n));
    }
    out.steps = std::move(left);
    return out;
}

Result<Step> render_step(Step const& step, Run const& run) {
    std::string why;  // a name has no value, in words
    auto const values = [&](std::string_view name) -> std::optional<std::string> {
        if (!name.starts_with(saved_prefix)) return std::nullopt;
        auto wanted = name.substr(saved_prefix.size());
        auto const dot = wanted.find('.');
        auto const part = dot == std::string_view::npos ? "" : wanted.substr(dot + 1);
        wanted = wanted.substr(0, dot);
        for (std::size_t i = 0; i < run.plan.steps.size() && i < run.steps.size(); ++i) {
            if (run.plan.steps[i].save == wanted) return saved_value(run.steps[i], part, why);
        }
        return std::nullopt;
    };
    Step out = step;
    auto params = render_all(step.params, values);
    if (!params && !why.empty()) return fail(Errc::invalid, why);
    if (!params) return tl::unexpected(params.error());
    out.params = params->get_object();
    for (auto& argument : out.check) {
        auto text = render(argument, values);
        if (!text) return tl::unexpected(text.error());
        argument = std::move(*text);
    }
    return out;
}

Step as_run(Step const& step, Run const& run) {
    auto rendered = render_step(step, run);
    return rendered ? std::move(*rendered) : step;
}

bool has_replaced(Run const& run, Deployment const& deployment) {
    return run.plan.target && run.started_at && run.steps_ended_at &&
           deployment.started_at.boot < run.started_at->boot;
}

}  // namespace rollbackd

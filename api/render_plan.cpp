// Plans as a dry run shows them: the plan's own members, with durations as people write them.
#include "actions/steps/registry.hpp"
#include "api/render.hpp"
#include "core/names.hpp"
#include "engine/planning.hpp"

namespace rollbackd::api {

namespace {

/// Durations of a step's parameters are nanoseconds inside; its type says which they are.
JsonObject render_params(Step const& step) {
    static std::vector<TypeInfo> const types = step_catalogue();
    JsonObject out = step.params;
    for (auto const& type : types) {
        if (type.name != step.type) continue;
        for (auto const& field : type.fields) {
            auto* const value = out.if_contains(field.name);
            bool const duration = field.type == FieldType::duration && value != nullptr;
            if (duration && value->is_int64()) {
                *value = format_duration(Duration(value->get_int64()));
            }
        }
    }
    return out;
}

JsonArray render_steps(std::vector<Step> const& steps, std::size_t n) {
    JsonArray out;
    for (auto const& step : steps) {
        JsonObject shown = to_json(step).as_object();
        shown["n"] = ++n;
        shown["params"] = render_params(step);
        shown["timeout"] = format_duration(step.timeout);
        out.push_back(std::move(shown));
    }
    return out;
}

JsonArray render_checks(std::vector<Check> const& checks) {
    JsonArray out;
    for (auto const& check : checks) {
        JsonObject shown = to_json(check).as_object();
        shown["condition"] = condition_of(check);
        shown["limit"] = format_duration(check.limit);
        out.push_back(std::move(shown));
    }
    return out;
}

JsonArray render_duties(std::vector<Duty> const& duties) {
    JsonArray out;
    for (auto const& duty : duties) {
        JsonObject shown = to_json(duty).as_object();
        shown["deadline"] = format_duration(duty.deadline);
        out.push_back(std::move(shown));
    }
    return out;
}

JsonArray render_reminders(std::vector<Reminder> const& reminders) {
    JsonArray out;
    for (auto const& reminder : reminders) {
        JsonObject shown = to_json(reminder).as_object();
        shown["every"] = format_duration(reminder.every);
        shown["lasts"] = format_duration(reminder.lasts);
        out.push_back(std::move(shown));
    }
    return out;
}

}  // namespace

std::string condition_of(Check const& check) {
    switch (check.kind) {
        case CheckKind::until:
        case CheckKind::hold:
            return check.condition;
        case CheckKind::manual:
            return check.text;
        case CheckKind::run:
            break;
    }
    std::string line;
    for (auto const& word : check.argv) line += (line.empty() ? "" : " ") + shell_word(word);
    return line;
}

Json render_loss(Plan const& plan, WallTime planned, std::optional<BackupTime> const& as_of) {
    return plan.data_loss_window ? to_json(lost_by(plan, planned, as_of)) : Json(nullptr);
}

Json render_plan(Plan const& plan, WallTime planned, std::optional<BackupTime> const& as_of) {
    JsonObject out = to_json(plan).as_object();
    out["target"] = to_json(plan.target);
    out["blamed"] = to_json(plan.blamed);
    out["data_loss_window"] = render_loss(plan, planned, as_of);
    out["budget"] = plan.budget ? to_json(format_duration(*plan.budget)) : Json(nullptr);
    out["steps"] = render_steps(plan.steps, 0);
    out["always"] = render_steps(plan.always, plan.steps.size());
    out["verify"] = render_checks(plan.verify);
    out["success"] = render_checks(plan.success);
    out["reminders"] = render_reminders(plan.reminders);
    out["duties"] = render_duties(plan.duties);
    return out;
}

}  // namespace rollbackd::api

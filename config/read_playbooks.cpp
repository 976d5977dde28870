// Playbooks: steps, checks, and what they may call by name.
#include "config/reader.hpp"
#include "core/names.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

using namespace std::chrono_literals;

constexpr Duration step_timeout_standard = 60s;
/// A person needs longer than a program; past it the step counts as failed.
constexpr Duration manual_timeout_standard = 24h;

/// One playbook under reading: the template names its next text may use.
struct PlaybookReading {
    ServiceReading& service;
    std::vector<std::string> names;
    std::vector<std::string> step_names = {};
    std::size_t steps_read = 0;
};

std::vector<std::string> names_everywhere(ServicePolicy const& service) {
    std::vector<std::string> names{"known_good.version", "known_good.schema",
                                   "current.version",    "bad.version",
                                   "current.started_at", "bad.started_at",
                                   "incident.id",        "service"};
    for (auto const& [name, value] : service.vars) names.push_back(name);
    return names;
}

/// The names that need no step's output: what is asked or said after the steps.
std::vector<std::string> lasting_names(PlaybookReading const& playbook) {
    auto names = playbook.names;
    std::erase_if(names, [](std::string const& name) { return name.starts_with("steps."); });
    return names;
}

Duration duration_of(JsonObject const& params, std::string_view key) {
    auto const* const found = params.if_contains(key);
    return found != nullptr && found->is_int64() ? Duration(found->as_int64()) : Duration::zero();
}

void read_step_timeout(MapReader& map, TypeInfo const& type, Step& step) {
    step.timeout = step_timeout_standard;
    if (type.name == "manual") {
        auto const deadline = duration_of(step.params, "deadline");
        step.timeout = deadline > Duration::zero() ? deadline : manual_timeout_standard;
    } else if (type.name == "wait_until") {
        step.timeout = std::max(step.timeout, duration_of(step.params, "within"));
    }
    read(map, "timeout", step.timeout);
}

void read_step_name(MapReader& map, PlaybookReading& playbook, Step& step) {
    if (!read(map, "name", step.name)) {
        step.name = step.type + "-" + std::to_string(playbook.steps_read);
    } else if (!is_valid_name(step.name)) {
        map.take("name")->error("\"" + printable(step.name, 80) + "\" is no name for a step");
    }
    auto& taken = playbook.step_names;
    if (std::find(taken.begin(), taken.end(), step.name) != taken.end()) {
        map.at().error("a step named \"" + printable(step.name, 80) + "\" is there already");
    }
    taken.push_back(step.name);
}

void read_save(MapReader& map, PlaybookReading& playbook, Step& step, bool restores) {
    if (!read(map, "save", step.save)) return;
    auto const name = "steps." + step.save;
    if (!is_valid_name(step.save)) {
        map.take("save")->error("\"" + printable(step.save, 80) + "\" is no name to save under");
    } else if (std::count(playbook.names.begin(), playbook.names.end(), name) > 0) {
        map.take("save")->error("\"" + step.save + "\" is saved by an earlier step already");
    } else {
        playbook.names.push_back(name);
        if (!restores) return;
        playbook.names.push_back(name + ".as_of");
        playbook.names.push_back(name + ".version");
    }
}

Step read_step(PlaybookReading& playbook, YamlCursor const& cursor) {
    ++playbook.steps_read;
    auto const& catalogue = playbook.service.reading.catalogue;
    FormTypes const types{catalogue.steps, catalogue.later_steps, "a step"};
    auto map = open_form(cursor, keys::step(), types);
    auto const form = find_form(map, types);
    auto const hooks = playbook.service.naming_hooks(playbook.names);
    Step step;
    if (form) {
        step.type = form->type->name;
        step.params = read_form(*form, hooks, false, &keys::step());
        step.idempotent = form->type->idempotent;
        step.destructive =
            form->type->destructive || (form->type->destroys && form->type->destroys(step.params));
        report_problems(*form, step.params);
        step.edits = form->type->edits;
        read_step_timeout(map, *form->type, step);
    }
    read_step_name(map, playbook, step);
    read(map, "retries", step.retries);
    read(map, "idempotent", step.idempotent);
    auto const names = lasting_names(playbook);
    read(map, "check", step.check, playbook.service.naming_hooks(names));
    read(map, "host", step.host);
    read(map, "approval", step.approval);
    read(map, "when", step.when, hooks);
    read_save(map, playbook, step, form && form->type->restores);
    return step;
}

std::vector<Step> read_steps(PlaybookReading& playbook, YamlCursor const& cursor) {
    std::vector<Step> steps;
    for (auto const& item : cursor.items("a list of steps")) {
        steps.push_back(read_step(playbook, item));
    }
    return steps;
}

/// The one key among until, hold, run and manual.
std::optional<CheckKind> check_kind(MapReader const& map) {
    std::optional<CheckKind> kind;
    for (auto const& name : enum_names<CheckKind>()) {
        if (!map.has(name)) continue;
        if (kind) {
            map.at().error("a check is one of until, hold, run and manual, not two of them");
            return std::nullopt;
        }
        kind = enum_from<CheckKind>(name);
    }
    if (!kind && map.at().kind() == YamlKind::map) {
        map.at().error("a check needs one of until, hold, run and manual");
    }
    return kind;
}

void read_limit(MapReader& map, Check& check, std::optional<Duration> standard) {
    bool const holds = check.kind == CheckKind::hold;
    auto const* const wrong = holds ? "within" : "for";
    if (auto const cursor = map.take(wrong)) {
        cursor->error(
            holds ? "hold goes with for, not with within" : "for goes with hold; expected within"
        );
    }
    if (read(map, holds ? "for" : "within", check.limit)) return;
    if (map.has(holds ? "for" : "within")) return;
    if (!holds && standard) {
        check.limit = *standard;
    } else {
        map.at().error(
            holds ? "hold needs for: how long it must hold" : "until needs within: by when"
        );
    }
}

std::vector<Check> read_checks(
    PlaybookReading& playbook, YamlCursor const& cursor, std::optional<Duration> standard
) {
    std::vector<Check> checks;
    auto const names = lasting_names(playbook);
    auto hooks = playbook.service.naming_hooks(names);
    if (!standard) {
        // No line in an error log for five minutes is what a hold after success waits for.
        hooks.condition = [&](YamlCursor const& at, std::string const& text) {
            CheckRules const rules{{}, at.path().ends_with(".hold")};
            (void)playbook.service.condition(at, text, rules);
        };
    }
    for (auto const& item : cursor.items("a list of checks")) {
        MapReader map(item, keys::check());
        Check check;
        if (auto const kind = check_kind(map)) {
            check.kind = *kind;
            read(map, "until", check.condition, hooks);
            read(map, "hold", check.condition, hooks);
            read(map, "run", check.argv, hooks);
            read(map, "manual", check.text, hooks);
            bool const asks = *kind == CheckKind::run || *kind == CheckKind::manual;
            read_limit(map, check, asks && !standard ? Duration(1h) : standard);
        }
        if (read(map, "from", check.from) && check.kind != CheckKind::run) {
            map.take("from")->error(
                "from goes with run; that a condition is judged from another host arrives in a "
                "later version of rollbackd"
            );
        }
        map.finish();
        checks.push_back(std::move(check));
    }
    return checks;
}

void read_inputs(PlaybookReading& playbook, YamlCursor const& cursor, JsonObject& inputs) {
    for (auto const& [name, entry] : cursor.named("an input")) {
        playbook.names.push_back("inputs." + name);
        if (entry.kind() == YamlKind::null) {
            inputs[name] = nullptr;
        } else if (auto const text = entry.text("a default value, or nothing: required")) {
            inputs[name] = to_json(*text);
        }
    }
}

/// One entry: a text, or a text people are reminded of.
void read_follow_up(YamlCursor const& cursor, ValueHooks const& hooks, Playbook& playbook) {
    if (cursor.kind() != YamlKind::map) {
        auto text = cursor.text("a text, or a map with say");
        if (text && hooks.text) text = hooks.text(cursor, std::move(*text));
        if (text) playbook.follow_up.push_back(std::move(*text));
        return;
    }
    MapReader map(cursor, keys::follow_up());
    std::string say;
    read(map, "say", say, hooks);
    playbook.follow_up.push_back(std::move(say));
    Reminder reminder;
    reminder.entry = std::uint32_t(playbook.follow_up.size());
    reminder.lasts = keys::reminder_for_standard;
    bool const paced = read(map, "every", reminder.every);
    read(map, "for", reminder.lasts);
    if (map.has("for") && !map.has("every")) {
        map.take("for")->error("for needs every: at what pace people are reminded");
    } else if (paced && reminder.lasts < reminder.every) {
        map.take(map.has("for") ? "for" : "every")
            ->error(
                "nobody would be reminded: for (" + format_duration(reminder.lasts) +
                ") is shorter than every (" + format_duration(reminder.every) + ")"
            );
    } else if (paced) {
        playbook.reminders.push_back(reminder);
    }
    map.finish();
}

void read_playbook(ServiceReading& service, std::string const& name, YamlCursor const& cursor) {
    MapReader map(cursor, keys::playbook());
    Playbook playbook;
    playbook.name = name;
    if (name == "alert" || name == "propose") {
        cursor.error("\"" + name + "\" is a response of its own; give the playbook another name");
    }
    PlaybookReading parts{service, names_everywhere(service.service)};
    read(map, "undoes", playbook.undoes);
    read(map, "risk", playbook.risk);
    read(map, "data_loss", playbook.data_loss);
    read(map, "approval", playbook.approval);
    Duration budget{};
    if (read(map, "budget", budget)) playbook.budget = budget;
    playbook.locks = read_names(map, "locks", "a lock");
    if (auto const inputs = map.take("inputs")) read_inputs(parts, *inputs, playbook.inputs);
    if (auto const steps = map.take("steps")) {
        playbook.steps = read_steps(parts, *steps);
        if (steps->kind() == YamlKind::list && playbook.steps.empty()) {
            steps->error("a playbook needs at least one step");
        }
    }
    if (auto const always = map.take("always")) playbook.always = read_steps(parts, *always);
    if (auto const verify = map.take("verify")) {
        playbook.verify = read_checks(parts, *verify, service.service.limits.settle);
    }
    if (auto const success = map.take("success")) {
        playbook.success = read_checks(parts, *success, std::nullopt);
    }
    auto const names = lasting_names(parts);
    auto const hooks = service.naming_hooks(names);
    if (auto const follow_up = map.take("follow_up")) {
        for (auto const& item : follow_up->items("a list of texts, or of maps with say")) {
            read_follow_up(item, hooks, playbook);
        }
    }
    if (auto const duties = map.take("duties")) playbook.duties = read_duties(*duties, hooks);
    playbook.on_failure = read_names(map, "on_failure", "a playbook");
    map.finish();
    service.service.playbooks.push_back(std::move(playbook));
}

}  // namespace

void read_playbooks(ServiceReading& service, YamlCursor const& cursor) {
    for (auto const& [name, entry] : cursor.named("a playbook")) {
        read_playbook(service, name, entry);
    }
}

}  // namespace rollbackd

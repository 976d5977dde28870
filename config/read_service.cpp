// A service: its own keys, then its parts in the order they need each other.
#include "config/reader.hpp"
#include "core/names.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

TemplateVars vars_of(ServicePolicy const& service) {
    auto vars = service.vars;
    vars["service"] = service.name;
    return vars;
}

void read_vars(ServiceReading& reading, YamlCursor const& cursor) {
    for (auto const& [name, entry] : cursor.named("a var")) {
        if (name == "service") {
            entry.error("the var service is there already: the service's own name");
            continue;
        }
        auto const text = entry.text("text");
        if (!text) {
            reading.service.vars[name] = "";
            continue;
        }
        if (text->find("{{") != std::string::npos) {
            entry.error("a var cannot use other vars; write its value out");
        }
        reading.service.vars[name] = *text;
    }
}

void read_one_release_form(
    YamlCursor const& cursor, FormTypes const& types, ValueHooks const& hooks, std::string& type,
    JsonObject& params
) {
    static Section const none{"a way to read a release", "", {}};
    auto map = open_form(cursor, none, types);
    auto const form = find_form(map, types);
    if (!form) return;
    type = form->type->name;
    params = read_form(*form, hooks, true);
}

void read_release(ServiceReading& reading, YamlCursor const& cursor) {
    static std::vector<std::string> const later_versions{"compose", "image", "docker", "pm2"};
    static std::vector<std::string> const later_schemas{"sql", "prisma", "alembic", "migrate"};
    auto const& catalogue = reading.reading.catalogue;
    auto const hooks = reading.rendering_hooks();
    auto& release = reading.service.release;
    MapReader map(cursor, keys::release());
    if (auto const version = map.take("version")) {
        FormTypes const types{catalogue.release_versions, later_versions, "release.version"};
        read_one_release_form(*version, types, hooks, release.version_type, release.version);
    }
    if (auto const schema = map.take("schema")) {
        FormTypes const types{catalogue.release_schemas, later_schemas, "release.schema"};
        read_one_release_form(*schema, types, hooks, release.schema_type, release.schema);
    }
    if (auto const keep = map.take("keep")) {
        for (auto const& item : keep->items("a list of files")) {
            auto const text = item.text("an absolute path");
            if (!text) continue;
            auto rendered = hooks.text(item, *text);
            if (!rendered) continue;
            if (!rendered->starts_with('/')) {
                item.error("\"" + printable(*rendered, 120) + "\" is no absolute path");
            }
            release.keep.push_back(std::move(*rendered));
        }
    }
    map.finish();
}

}  // namespace

ValueHooks ServiceReading::rendering_hooks() const {
    auto hooks = reading.plain_hooks();
    hooks.text = [vars = vars_of(service)](YamlCursor const& cursor, std::string const& text) {
        return render_at(cursor, text, vars);
    };
    hooks.condition = [this](YamlCursor const& cursor, std::string const& text) {
        (void)condition(cursor, text);  // its problems are reported; the text is what is kept
    };
    return hooks;
}

ValueHooks ServiceReading::naming_hooks(std::vector<std::string> const& names) const {
    auto hooks = reading.plain_hooks();
    hooks.text =
        [&names](YamlCursor const& cursor, std::string text) -> std::optional<std::string> {
        if (!check_names_at(cursor, text, names)) return std::nullopt;
        return text;
    };
    hooks.condition = [this](YamlCursor const& cursor, std::string const& text) {
        (void)condition(cursor, text);  // its problems are reported; the text is what is kept
    };
    return hooks;
}

std::optional<Condition> ServiceReading::condition(
    YamlCursor const& cursor, std::string const& text, CheckRules const& rules
) const {
    auto parsed = Condition::parse(text);
    if (!parsed) {
        cursor.error_at(parsed.error().offset, parsed.error().what);
        return std::nullopt;
    }
    auto const signals = parsed->signals();
    auto const is_unclear = [&](std::string const& name) { return unclear.contains(name); };
    // What is said of a signal that is itself wrong would only repeat its mistake.
    if (std::any_of(signals.begin(), signals.end(), is_unclear)) return *parsed;
    for (auto const& problem : check(*parsed, table, rules)) {
        if (problem.warning) {
            cursor.warn_at(problem.offset, problem.what);
        } else {
            cursor.error_at(problem.offset, problem.what);
        }
    }
    return *parsed;
}

void read_service(PolicyReading const& reading, std::string const& name, YamlCursor const& cursor) {
    auto& service = reading.policy.services.emplace_back();
    service.name = name;
    service.limits = reading.policy.daemon.limits;
    ServiceReading parts{reading, service};
    MapReader map(cursor, keys::service());
    read(map, "watch_window", service.watch_window);
    service.bake = service.watch_window;
    read(map, "bake", service.bake);
    read(map, "start_period", service.start_period);
    read(map, "autonomy", service.autonomy);
    service.depends_on = read_names(map, "depends_on", "a service");
    service.locks = read_names(map, "locks", "a lock");
    service.notify = read_names(map, "notify", "a channel");
    if (auto const limits = map.take("limits")) read_limits(*limits, service.limits);
    if (auto const vars = map.take("vars")) read_vars(parts, *vars);
    if (auto const release = map.take("release")) read_release(parts, *release);
    if (auto const signals = map.take("signals")) read_signals(parts, *signals);
    if (auto const references = map.take("references")) {
        service.references = read_references(reading, *references, parts.rendering_hooks());
    }
    if (auto const triggers = map.take("triggers")) read_triggers(parts, *triggers);
    if (auto const playbooks = map.take("playbooks")) read_playbooks(parts, *playbooks);
    if (auto const gate = map.take("gate")) {
        MapReader gate_map(*gate, keys::gate());
        read(gate_map, "attest", service.gate.attest);
        gate_map.finish();
    }
    if (auto const duties = map.take("duties")) {
        service.duties = read_duties(*duties, reading.plain_hooks());
    }
    map.finish();
}

}  // namespace rollbackd

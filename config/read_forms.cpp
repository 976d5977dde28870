#include "config/field_secrets.hpp"
#include "config/reader.hpp"
#include "core/names.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

std::string names_of(std::vector<TypeInfo> const& types) {
    std::string out;
    for (auto const& type : types) out += (out.empty() ? "" : ", ") + type.name;
    return out;
}

}  // namespace

ValueHooks PolicyReading::plain_hooks() const {
    ValueHooks hooks;
    bool const required = options.secrets_required;
    if (!options.look_at_files) return hooks;
    auto& files = result.secret_files;
    hooks.secret_file = [required, &files](YamlCursor const& cursor, std::string const& path) {
        look_at_secret_file(cursor, path, required);
        files.insert(path);
    };
    auto& variables = result.secret_variables;
    hooks.environment = [&variables](YamlCursor const& cursor, std::string const& text) {
        look_at_environment(cursor, text, variables);
    };
    return hooks;
}

MapReader open_form(YamlCursor const& cursor, Section const& section, FormTypes const& types) {
    std::vector<std::string> names;
    for (auto const& type : types.types) names.push_back(type.name);
    return MapReader(cursor, section, std::move(names), types.later);
}

std::optional<Form> find_form(MapReader& map, FormTypes const& types) {
    bool const strange = map.finish();
    auto const found = map.others();
    if (found.empty()) {
        if (map.at().kind() == YamlKind::map && !strange) {
            map.at().error(
                std::string(types.what) + " needs a type; one of " + names_of(types.types)
            );
        }
        return std::nullopt;
    }
    if (found.size() > 1) {
        map.at().error(
            std::string(types.what) + " has one type, not two: " + found[0].first + " and " +
            found[1].first
        );
    }
    auto const type = std::find_if(types.types.begin(), types.types.end(), [&](auto const& known) {
        return known.name == found[0].first;
    });
    return Form{&*type, found[0].second};
}

void report_problems(Form const& form, JsonObject const& params) {
    if (form.type->problems != nullptr) report_problems(form.params, form.type->problems(params));
}

void report_problems(YamlCursor const& params, std::vector<Error> const& problems) {
    for (auto const& problem : problems) {
        auto const path = params.path() + "." + problem.where;
        params.sources().report(place_of(params.places(), path), false, problem.what);
    }
}

JsonObject read_form(
    Form const& form, ValueHooks const& hooks, bool allow_single, Section const* beside
) {
    auto const& fields = form.type->fields;
    auto const needed = std::find_if(fields.begin(), fields.end(), [](Field const& field) {
        return field.required;
    });
    bool const single = form.params.kind() != YamlKind::map && form.params.kind() != YamlKind::null;
    bool const alone = form.type->one_of.empty();  // sql needs its dsn beside the query
    if (!allow_single || !alone || !single || needed == fields.end()) {
        return read_params(form.params, *form.type, hooks, beside);
    }
    JsonObject out;
    for (auto const& field : fields) {
        if (!field.otherwise.is_null()) out[field.name] = field.otherwise;
    }
    auto value = read_value(form.params, *needed, hooks);
    if (value) out[needed->name] = std::move(*value);
    return out;
}

std::vector<std::string> read_names(MapReader& map, std::string_view key, std::string_view what) {
    std::vector<std::string> names;
    auto const cursor = map.take(key);
    if (!cursor) return names;
    if (key == "notify" && cursor->kind() == YamlKind::list && cursor->node().items.empty()) {
        cursor->warn("notify is empty, which means every channel; name some, or leave it out");
    }
    for (auto const& item : cursor->items("a list of names, [a, b]")) {
        auto const name = item.text("a name");
        if (!name) continue;
        if (!is_valid_name(*name)) {
            item.error("\"" + printable(*name, 80) + "\" is no name for " + std::string(what));
        } else if (std::find(names.begin(), names.end(), *name) != names.end()) {
            item.error("\"" + *name + "\" stands twice in this list");
        } else {
            names.push_back(*name);
        }
    }
    return names;
}

}  // namespace rollbackd

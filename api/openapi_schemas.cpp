#include "api/openapi.hpp"
#include "api/openapi_shapes.hpp"
#include "core/ensure.hpp"
#include "engine/state.hpp"

namespace rollbackd::api {

namespace {

JsonArray to_array(std::vector<std::string> const& texts) {
    JsonArray out;
    for (auto const& text : texts) out.push_back(to_json(text));
    return out;
}

/// Enums that the engine owns are asked from it, so the document cannot fall behind.
JsonArray names_of(std::string_view which) {
    if (which == "autonomy") return to_array(enum_names<Autonomy>());
    if (which == "kind") return to_array(enum_names<SignalKind>());
    if (which == "standing") return to_array(enum_names<Standing>());
    if (which == "incident") return to_array(enum_names<IncidentState>());
    if (which == "run") return to_array(enum_names<RunState>());
    if (which == "step") return to_array(enum_names<StepState>());
    ensure(which == "guard", "a shape names an enum that exists");
    return to_array(enum_names<Guard>());
}

JsonArray choices_of(std::string_view list) {
    JsonArray out;
    while (true) {
        auto const choice = list.substr(0, list.find('|'));
        out.push_back(to_json(std::string(choice)));
        if (choice.size() == list.size()) return out;
        list.remove_prefix(choice.size() + 1);
    }
}

Json type_of(std::string_view notation);

Json nullable(Json schema) {
    JsonObject nothing;
    nothing["type"] = "null";
    JsonArray either;
    either.push_back(std::move(schema));
    either.push_back(std::move(nothing));
    JsonObject out;
    out["anyOf"] = std::move(either);
    return out;
}

std::string_view inside(std::string_view notation) {
    return notation.substr(1, notation.size() - 2);
}

Json type_of(std::string_view notation) {
    JsonObject out;
    bool const choices = notation.find_first_of("|-") != std::string_view::npos;
    if (notation.back() == '?') return nullable(type_of(notation.substr(0, notation.size() - 1)));
    if (notation.front() == '[') {
        out["type"] = "array";
        out["items"] = type_of(inside(notation));
    } else if (notation.front() == '{') {
        out["type"] = "object";
        out["additionalProperties"] = type_of(inside(notation));
    } else if (notation == "any") {
        return out;
    } else if (notation == "time") {
        out["type"] = "string";
        out["format"] = "date-time";
    } else if (notation.front() == '@') {
        out["type"] = "string";
        out["enum"] = names_of(notation.substr(1));
    } else if (choices) {
        out["type"] = "string";
        out["enum"] = choices_of(notation);
    } else if (notation.front() >= 'A' && notation.front() <= 'Z') {
        out["$ref"] = "#/components/schemas/" + std::string(notation);
    } else {
        out["type"] = notation;
    }
    return out;
}

void add_member(JsonObject& shape, std::string_view line) {
    auto const colon = line.find(':');
    auto name = line.substr(0, colon);
    if (name.back() == '?') {
        name.remove_suffix(1);
    } else {
        auto& required = shape["required"];
        if (!required.is_array()) required = JsonArray();
        required.as_array().push_back(to_json(std::string(name)));
    }
    auto& properties = shape["properties"];
    if (!properties.is_object()) properties = JsonObject();
    properties.as_object()[name] = type_of(line.substr(colon + 2));
}

void add_shapes(JsonObject& out, std::string_view rest) {
    JsonObject* shape = nullptr;
    while (!rest.empty()) {
        auto const line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(line.size() + 1);
        if (line.front() == ' ') {
            add_member(*shape, line.substr(1));
        } else {
            shape = &(out[line] = JsonObject()).as_object();
            (*shape)["type"] = "object";
        }
    }
}

}  // namespace

JsonObject openapi_schemas() {
    JsonObject out;
    add_shapes(out, service_shapes());
    add_shapes(out, incident_shapes());
    out["Any"] = JsonObject();
    return out;
}

}  // namespace rollbackd::api

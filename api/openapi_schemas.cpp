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

/// What a request may hold beside shapes. A description ends a sentence that begins "expected".
constexpr std::string_view scalars = R"({
 "Text": {"type": "string", "pattern": "\\S", "maxLength": 4096,
  "description": "a text that is not blank, of up to 4096 characters"},
 "Note": {"type": "string", "maxLength": 4096,
  "description": "a text of up to 4096 characters"},
 "Duration": {"type": "string", "pattern": "^([0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h|d|w))+$",
  "description": "a duration like 90s, 2h or 1d", "examples": ["90s", "1h30m", "1d"]},
 "Ordinal": {"type": "integer", "minimum": 1, "maximum": 4294967295},
 "Limit": {"type": "integer", "minimum": 1, "maximum": 1000},
 "Sequence": {"type": "integer", "minimum": 0,
  "description": "a journal sequence, or 0 for all"},
 "Count": {"type": "integer", "minimum": 0, "maximum": 281474976710656},
 "Key": {"type": ["string", "number"], "maxLength": 256},
 "IdempotencyKey": {"type": "string",
  "pattern": "^([!#-\\[\\]-~]{1,255}|\"[!#-\\[\\]-~]{1,255}\")$",
  "description": "1 to 255 visible characters, bare or quoted"},
 "Form": {"type": "string", "enum": ["json", "text", "md"]},
 "WebhookVersion": {"type": "string", "enum": ["4"]}
})";

void add_scalars(JsonObject& out) {
    auto const parsed = parse_json(scalars);
    ensure(parsed.has_value(), "the scalars are JSON");
    for (auto const& [name, schema] : parsed->get_object()) out[name] = schema;
}

/// The notation of a parameter's type, where it is no mere string.
std::string_view notation_of(std::string_view parameter) {
    if (parameter == "n") return "Ordinal";
    if (parameter == "limit") return "Limit";
    if (parameter == "range") return "Duration";
    if (parameter == "severity") return "P0|P1|P2|P3";
    if (parameter == "state") return "@incident";
    if (parameter == "format") return "Form";
    if (parameter == "Idempotency-Key") return "IdempotencyKey";
    return parameter == "Last-Event-ID" ? "Sequence" : "string";
}

void add_shapes(JsonObject& out, std::string_view rest) {
    JsonObject* shape = nullptr;
    while (!rest.empty()) {
        auto const line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(line.size() + 1);
        if (line.front() == ' ') {
            add_member(*shape, line.substr(1));
            continue;
        }
        bool const closed = line.back() == '!';
        shape = &(out[line.substr(0, line.size() - (closed ? 1 : 0))] = JsonObject()).as_object();
        (*shape)["type"] = "object";
        if (closed) (*shape)["additionalProperties"] = false;
    }
}

}  // namespace

JsonObject openapi_schemas() {
    JsonObject out;
    add_shapes(out, service_shapes());
    add_shapes(out, incident_shapes());
    out["Any"] = JsonObject();
    add_scalars(out);
    return out;
}

Json openapi_parameter_schema(std::string_view name) { return type_of(notation_of(name)); }

}  // namespace rollbackd::api

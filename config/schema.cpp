#include "config/schema.hpp"

#include "config/keys.hpp"

namespace rollbackd {

namespace {

constexpr char const* duration_pattern = R"(^([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h|d|w))+$)";
constexpr char const* size_pattern = R"(^[0-9]+(\.[0-9]+)?([kKMGT]i?B|B)?$)";
constexpr char const* name_pattern = "^[A-Za-z][A-Za-z0-9_-]{0,63}$";
constexpr char const* status_pattern = "^[1-5]([0-9][0-9]|xx|XX)$";

JsonObject type_of(char const* type) { return {{"type", type}}; }

JsonObject pattern_of(char const* pattern) { return {{"type", "string"}, {"pattern", pattern}}; }

JsonObject list_of(JsonObject items) { return {{"type", "array"}, {"items", std::move(items)}}; }

JsonObject map_of(JsonObject values) {
    return {{"type", "object"}, {"additionalProperties", std::move(values)}};
}

/// Numbers and booleans written plainly are taken as their text.
JsonObject any_text() { return {{"type", JsonArray{"string", "number", "boolean"}}}; }

JsonObject reference_to(std::string const& name) { return {{"$ref", "#/$defs/" + name}}; }

JsonObject object_of(std::vector<Field> const& fields);

JsonObject status_schema() {
    JsonObject one{
        {"anyOf",
         JsonArray{
             JsonObject{{"type", "integer"}, {"minimum", 100}, {"maximum", 599}},
             pattern_of(status_pattern)
         }}
    };
    auto many = list_of(one);
    return {{"anyOf", JsonArray{std::move(one), std::move(many)}}};
}

JsonObject with_bounds(JsonObject schema, Field const& field) {
    if (field.min) schema["minimum"] = *field.min;
    if (field.max) schema["maximum"] = *field.max;
    return schema;
}

JsonObject bare_schema(Field const& field) {
    switch (field.type) {
        case FieldType::text:
            return any_text();
        case FieldType::path:
        case FieldType::url:
        case FieldType::condition:
            return type_of("string");
        case FieldType::integer:
            return with_bounds(type_of("integer"), field);
        case FieldType::number:
            return with_bounds(type_of("number"), field);
        case FieldType::boolean:
            return type_of("boolean");
        case FieldType::duration:
            return pattern_of(duration_pattern);
        case FieldType::size:
            return {{"anyOf", JsonArray{type_of("integer"), pattern_of(size_pattern)}}};
        case FieldType::argv: {
            auto list = list_of(any_text());
            list["minItems"] = 1;
            return list;
        }
        case FieldType::text_list:
            return list_of(any_text());
        case FieldType::argv_list:
            return list_of(list_of(any_text()));
        case FieldType::text_map:
            return map_of(any_text());
        case FieldType::any_map:
            return type_of("object");
        case FieldType::choice: {
            JsonArray words;
            for (auto const& choice : field.choices) words.push_back(to_json(choice));
            return {{"enum", std::move(words)}};
        }
        case FieldType::object:
            return object_of(field.fields);
        case FieldType::status:
            return status_schema();
    }
    return {};
}

JsonObject field_schema(Field const& field) {
    auto schema = bare_schema(field);
    if (!field.doc.empty()) schema["description"] = field.doc;
    // Durations and sizes stand in their table as numbers; people write them with a unit.
    bool const shown = field.type != FieldType::duration && field.type != FieldType::size;
    if (!field.otherwise.is_null() && shown) schema["default"] = field.otherwise;
    return schema;
}

JsonObject object_of(std::vector<Field> const& fields) {
    JsonObject properties;
    JsonArray required;
    for (auto const& field : fields) {
        properties[field.name] = field_schema(field);
        if (field.required) required.push_back(to_json(field.name));
    }
    JsonObject schema{{"type", "object"}, {"additionalProperties", false}};
    schema["properties"] = std::move(properties);
    if (!required.empty()) schema["required"] = std::move(required);
    return schema;
}

JsonObject section_schema(Section const& section) {
    auto schema = object_of(section.fields);
    schema["description"] = section.doc;
    return schema;
}

void set(JsonObject& schema, std::string_view key, JsonObject value) {
    auto& property = schema["properties"].get_object()[key];
    if (property.is_object() && property.get_object().contains("description")) {
        value["description"] = property.get_object()["description"];
    }
    property = std::move(value);
}

JsonObject type_schema(TypeInfo const& type, bool allow_single) {
    auto schema = object_of(type.fields);
    schema["description"] = type.doc;
    JsonArray all;
    for (auto const& alternatives : type.one_of) {
        JsonArray any;
        for (auto const& name : alternatives) {
            any.push_back(JsonObject{{"required", JsonArray{to_json(name)}}});
        }
        all.push_back(JsonObject{{"oneOf", std::move(any)}});
    }
    if (!all.empty()) schema["allOf"] = std::move(all);
    if (!allow_single || !type.one_of.empty()) return schema;
    return {{"anyOf", JsonArray{schema, any_text(), list_of(any_text())}}};
}

/// Keys beside the form, and exactly one of the types.
JsonObject form_schema(
    Section const& beside, std::vector<TypeInfo> const& types, bool allow_single = false
) {
    auto schema = section_schema(beside);
    JsonArray one;
    for (auto const& type : types) {
        schema["properties"].get_object()[type.name] = type_schema(type, allow_single);
        one.push_back(JsonObject{{"required", JsonArray{to_json(type.name)}}});
    }
    if (!one.empty()) schema["oneOf"] = std::move(one);
    return schema;
}

JsonObject named(std::string const& definition) {
    JsonObject schema{{"type", "object"}};
    schema["propertyNames"] = JsonObject{{"pattern", name_pattern}};
    schema["additionalProperties"] = reference_to(definition);
    return schema;
}

JsonObject response_schema() {
    JsonObject rung{{"anyOf", JsonArray{pattern_of(name_pattern), reference_to("rung")}}};
    auto rungs = list_of(rung);
    rungs["minItems"] = 1;
    JsonObject propose{
        {"type", "object"}, {"additionalProperties", false}, {"required", JsonArray{"propose"}}
    };
    propose["properties"] = JsonObject{{"propose", JsonObject{{"anyOf", JsonArray{rung, rungs}}}}};
    return {{"anyOf", JsonArray{rung, rungs, propose}}};
}

JsonObject matrix_when_schema() {
    auto schema = section_schema(keys::matrix_when());
    for (auto const* const key : {"impact", "users"}) {
        JsonObject word = bare_schema(*keys::classify().field(key));
        auto words = list_of(word);
        set(schema, key, {{"anyOf", JsonArray{std::move(word), std::move(words)}}});
    }
    set(schema, "cause", {{"anyOf", JsonArray{any_text(), list_of(any_text())}}});
    return schema;
}

JsonObject check_schema() {
    auto schema = section_schema(keys::check());
    JsonArray one;
    for (auto const* const kind : {"until", "hold", "run", "manual"}) {
        one.push_back(JsonObject{{"required", JsonArray{kind}}});
    }
    schema["oneOf"] = std::move(one);
    return schema;
}

JsonObject tls_schema() {
    auto schema = section_schema(keys::tls());
    set(schema, "clients", list_of(reference_to("client")));
    return schema;
}

JsonObject client_schema() {
    auto schema = section_schema(keys::client());
    JsonArray one;
    for (auto const* const name : {"cn", "san"}) {
        one.push_back(JsonObject{{"required", JsonArray{name}}});
    }
    schema["oneOf"] = std::move(one);
    return schema;
}

JsonObject daemon_schema() {
    auto schema = section_schema(keys::daemon());
    set(schema, "tls", reference_to("tls"));
    set(schema, "heartbeat", reference_to("heartbeat"));
    set(schema, "respond_within", section_schema(keys::respond_within()));
    set(schema, "tokens", list_of(reference_to("token")));
    set(schema, "limits", reference_to("limits"));
    set(schema, "references", list_of(reference_to("reference")));
    return schema;
}

JsonObject release_schema(Catalogue const& catalogue) {
    static Section const none{"", "", {}};
    auto schema = section_schema(keys::release());
    set(schema, "version", form_schema(none, catalogue.release_versions, true));
    set(schema, "schema", form_schema(none, catalogue.release_schemas, true));
    return schema;
}

JsonObject trigger_schema() {
    auto schema = section_schema(keys::trigger());
    set(schema, "classify", section_schema(keys::classify()));
    set(schema, "response", response_schema());
    set(schema, "resolve_after",
        {{"anyOf",
          JsonArray{JsonObject{{"type", "integer"}, {"minimum", 1}}, pattern_of(duration_pattern)}}}
    );
    set(schema, "confidence",
        {{"anyOf", JsonArray{type_of("number"), pattern_of(R"(^[0-9.]+%?$)")}}});
    return schema;
}

JsonObject service_schema(Catalogue const& catalogue) {
    auto schema = section_schema(keys::service());
    set(schema, "release", release_schema(catalogue));
    set(schema, "references", list_of(reference_to("reference")));
    set(schema, "limits", reference_to("limits"));
    set(schema, "signals", named("signal"));
    set(schema, "triggers", named("trigger"));
    set(schema, "playbooks", named("playbook"));
    set(schema, "gate", section_schema(keys::gate()));
    set(schema, "duties", list_of(reference_to("duty")));
    return schema;
}

JsonObject playbook_schema() {
    auto schema = section_schema(keys::playbook());
    auto input = any_text();
    input["type"].get_array().push_back("null");
    set(schema, "inputs", map_of(std::move(input)));
    for (auto const* const key : {"steps", "always"}) {
        set(schema, key, list_of(reference_to("step")));
    }
    for (auto const* const key : {"verify", "success"}) {
        set(schema, key, list_of(reference_to("check")));
    }
    set(schema, "follow_up",
        list_of({{"anyOf", JsonArray{any_text(), reference_to("follow_up")}}}));
    set(schema, "duties", list_of(reference_to("duty")));
    return schema;
}

std::vector<TypeInfo> probes_of(Catalogue const& catalogue) {
    std::vector<TypeInfo> probes;
    for (auto const& type : catalogue.signals) {
        if (type.is_probe) probes.push_back(type);
    }
    return probes;
}

JsonObject matrix_schema() {
    auto row = section_schema(keys::matrix_row());
    set(row, "when", matrix_when_schema());
    set(row, "response", response_schema());
    return list_of(std::move(row));
}

}  // namespace

Json policy_schema(Catalogue const& catalogue) {
    auto schema = section_schema(keys::root());
    set(schema, "daemon", daemon_schema());
    set(schema, "notify", named("channel"));
    set(schema, "hosts", named("host"));
    set(schema, "matrix", matrix_schema());
    set(schema, "services", named("service"));
    JsonObject definitions;
    definitions["tls"] = tls_schema();
    definitions["client"] = client_schema();
    definitions["heartbeat"] = section_schema(keys::heartbeat());
    definitions["token"] = section_schema(keys::token());
    definitions["limits"] = section_schema(keys::limits());
    definitions["host"] = section_schema(keys::host());
    definitions["channel"] = form_schema(keys::channel(), catalogue.notifiers);
    definitions["reference"] = form_schema(keys::reference(), probes_of(catalogue));
    definitions["signal"] = form_schema(keys::signal(), catalogue.signals);
    definitions["step"] = form_schema(keys::step(), catalogue.steps);
    definitions["rung"] = section_schema(keys::rung());
    definitions["check"] = check_schema();
    definitions["duty"] = section_schema(keys::duty());
    definitions["follow_up"] = section_schema(keys::follow_up());
    definitions["trigger"] = trigger_schema();
    definitions["playbook"] = playbook_schema();
    definitions["service"] = service_schema(catalogue);

    JsonObject out{{"$schema", "https://json-schema.org/draft/2020-12/schema"}};
    out["title"] = "rollbackd policy";
    for (auto& [key, value] : schema) out[key] = std::move(value);
    out["$defs"] = std::move(definitions);
    return out;
}

}  // namespace rollbackd

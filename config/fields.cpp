#include "config/fields.hpp"

#include "config/field_secrets.hpp"
#include "config/scalars.hpp"
#include "core/names.hpp"

#include <algorithm>
#include <cmath>

namespace rollbackd {

namespace {

std::string quoted(std::string_view text) { return "\"" + printable(text, 80) + "\""; }

std::string shown_bound(Field const& field, double bound) {
    if (field.type == FieldType::duration) {
        return format_duration(Duration(std::llround(bound)));
    }
    auto text = to_text(Json(bound));
    if (bound == std::floor(bound) && std::abs(bound) < 1e15) {
        text = std::to_string(std::llround(bound));
    }
    return text;
}

/// Bounds are in the unit of the params: nanoseconds, bytes.
bool within_bounds(YamlCursor const& cursor, Field const& field, double value) {
    bool const low = field.min && value < *field.min;
    bool const high = field.max && value > *field.max;
    if (!low && !high) return true;
    cursor.error(
        quoted(cursor.node().text) + " is too " + (low ? "small" : "large") + " for " + field.name +
        "; expected " + describe_bounds(field)
    );
    return false;
}

class ValueReader {
public:
    ValueReader(Field const& field, ValueHooks const& hooks) : field_(field), hooks_(hooks) {}

    std::optional<Json> read(YamlCursor const& cursor) const {
        switch (field_.type) {
            case FieldType::text:
            case FieldType::url:
                return text(cursor);
            case FieldType::path:
                return path(cursor);
            case FieldType::integer:
                return integer(cursor);
            case FieldType::number:
                return number(cursor);
            case FieldType::boolean:
                return boolean(cursor);
            case FieldType::duration:
                return duration(cursor);
            case FieldType::size:
                return size(cursor);
            case FieldType::argv:
                return argv(cursor);
            case FieldType::text_list:
                return text_list(cursor);
            case FieldType::argv_list:
                return argv_list(cursor);
            case FieldType::text_map:
                return text_map(cursor);
            case FieldType::any_map:
                return any_map(cursor);
            case FieldType::choice:
                return choice(cursor);
            case FieldType::condition:
                return condition(cursor);
            case FieldType::object:
                return object(cursor);
            case FieldType::status:
                return status(cursor);
        }
        return std::nullopt;
    }

private:
    /// A value that is put into a program's text would be read as a part of it.
    bool is_literal_enough(YamlCursor const& cursor, std::string const& text) const {
        if (!field_.literal) return true;
        if (text.find("{{") == std::string::npos && text.find("${") == std::string::npos) {
            return true;
        }
        cursor.error(
            field_.name +
            ": a value put into this text would be read as a part of it; give it in "
            "`values`, and name it :'name' here"
        );
        return false;
    }

    std::optional<std::string> word(YamlCursor const& cursor, std::string_view expected) const {
        auto text = cursor.text(expected);
        if (!text || !is_literal_enough(cursor, *text)) return std::nullopt;
        // A shell fills its own variables in, and has some of its own.
        bool const fills = hooks_.environment && field_.name != "shell";
        if (fills && text->find("${") != std::string::npos) hooks_.environment(cursor, *text);
        if (!hooks_.text) return text;
        return hooks_.text(cursor, std::move(*text));
    }

    /// A scalar that its type's parser reads. Quotes make text, and text is no number.
    template <class Parse>
    auto parsed(YamlCursor const& cursor, std::string_view expected, Parse parse) const
        -> std::optional<typename decltype(parse(std::string_view()))::value_type> {
        auto const text = word(cursor, expected);
        if (!text) return std::nullopt;
        auto value = parse(*text);
        if (!value) {
            cursor.error(field_.name + ": " + value.error().what);
            return std::nullopt;
        }
        return *value;
    }

    bool refuse_quotes(YamlCursor const& cursor, std::string_view expected) const {
        if (!cursor.node().quoted || cursor.node().text.find("{{") != std::string::npos) {
            return false;
        }
        cursor.error(
            quoted(cursor.node().text) + " is text because of its quotes; expected " +
            std::string(expected)
        );
        return true;
    }

    std::optional<Json> text(YamlCursor const& cursor) const {
        auto value = word(cursor, field_.type == FieldType::url ? "a URL" : "text");
        if (!value) return std::nullopt;
        if (field_.required && value->empty()) {
            cursor.error(field_.name + " is empty");
            return std::nullopt;
        }
        if (field_.secret && *value == hidden_secret) {
            cursor.warn(field_.name + " was taken out of this text as a secret; it will not work");
            return to_json(*value);
        }
        if (field_.type == FieldType::url && !is_url(*value)) {
            cursor.error(
                quoted(*value) + " is no URL; write one like http://127.0.0.1:3000/health"
            );
            return std::nullopt;
        }
        if (field_.secret) hide_secret(cursor, field_, *value);
        return to_json(*value);
    }

    std::optional<Json> path(YamlCursor const& cursor) const {
        auto const value = word(cursor, "an absolute path");
        if (!value) return std::nullopt;
        if (is_secret_file(field_)) return secret_path(cursor, *value);
        bool const open = value->starts_with("{{") || value->starts_with("${");
        if (!open && !value->starts_with('/')) {
            cursor.error(quoted(*value) + " is no absolute path; begin it with /");
            return std::nullopt;
        }
        return to_json(*value);
    }

    std::optional<Json> secret_path(YamlCursor const& cursor, std::string const& value) const {
        if (auto const problem = secret_path_problem(value); !problem.empty()) {
            cursor.error(quoted(value) + problem);
            return std::nullopt;
        }
        bool const open = value.starts_with("{{");
        if (!open && hooks_.secret_file) hooks_.secret_file(cursor, value);
        return to_json(value);
    }

    std::optional<Json> integer(YamlCursor const& cursor) const {
        if (refuse_quotes(cursor, "a whole number")) return std::nullopt;
        auto const value = parsed(cursor, "a whole number", parse_integer);
        if (!value || !within_bounds(cursor, field_, double(*value))) return std::nullopt;
        return Json(*value);
    }

    std::optional<Json> number(YamlCursor const& cursor) const {
        if (refuse_quotes(cursor, "a number")) return std::nullopt;
        auto const value = parsed(cursor, "a number", parse_number);
        if (!value || !within_bounds(cursor, field_, *value)) return std::nullopt;
        return Json(*value);
    }

    std::optional<Json> boolean(YamlCursor const& cursor) const {
        if (refuse_quotes(cursor, "true or false")) return std::nullopt;
        auto const value = parsed(cursor, "true or false", parse_boolean);
        if (!value) return std::nullopt;
        return Json(*value);
    }

    std::optional<Json> duration(YamlCursor const& cursor) const {
        auto const value = parsed(cursor, "a duration like 30s", parse_duration);
        if (!value) return std::nullopt;
        if (!field_.min && *value <= Duration::zero()) {
            cursor.error(field_.name + " must be longer than zero");
            return std::nullopt;
        }
        if (!within_bounds(cursor, field_, double(value->count()))) return std::nullopt;
        return Json(value->count());
    }

    std::optional<Json> size(YamlCursor const& cursor) const {
        auto const value = parsed(cursor, "a size like 10MB", parse_size);
        if (!value || !within_bounds(cursor, field_, double(*value))) return std::nullopt;
        return Json(*value);
    }

    std::optional<Json> argv(YamlCursor const& cursor) const {
        constexpr std::string_view expected =
            "a list of words, [docker, compose, ps]: commands are never a shell line";
        JsonArray out;
        bool whole = true;
        for (auto const& item : cursor.items(expected)) {
            auto const value = word(item, "one argument");
            whole = whole && value.has_value();
            if (!value) continue;
            if (out.empty() && value->empty()) item.error("the command's name is empty");
            out.push_back(to_json(*value));
        }
        if (!whole) return std::nullopt;
        if (cursor.kind() != YamlKind::list) return std::nullopt;
        if (out.empty()) {
            cursor.error("an empty command; expected " + std::string(expected));
            return std::nullopt;
        }
        return Json(std::move(out));
    }

    std::optional<Json> text_list(YamlCursor const& cursor) const {
        if (!cursor.expect(YamlKind::list, "a list of texts")) return std::nullopt;
        JsonArray out;
        for (auto const& item : cursor.items()) {
            auto value = word(item, "text");
            if (value) out.push_back(to_json(*value));
        }
        return Json(std::move(out));
    }

    std::optional<Json> argv_list(YamlCursor const& cursor) const {
        if (!cursor.expect(YamlKind::list, "a list of commands, [[docker, compose, ps]]")) {
            return std::nullopt;
        }
        JsonArray out;
        for (auto const& item : cursor.items()) {
            auto value = argv(item);
            if (value) out.push_back(std::move(*value));
        }
        return Json(std::move(out));
    }

    std::optional<Json> text_map(YamlCursor const& cursor) const {
        if (!cursor.expect(YamlKind::map, "a map of texts")) return std::nullopt;
        JsonObject out;
        for (auto const& [key, entry] : cursor.entries()) {
            auto value = word(entry, "text");
            if (value) out[key] = to_json(*value);
        }
        return Json(std::move(out));
    }

    /// A plain word keeps its YAML type: 200 is a number, true a boolean, "200" a text.
    std::optional<Json> plain(YamlCursor const& cursor) const {
        if (cursor.kind() == YamlKind::null) return Json(nullptr);
        auto const value = word(cursor, "a single value");
        if (!value) return std::nullopt;
        if (!cursor.node().quoted) {
            if (auto const flag = parse_boolean(*value)) return Json(*flag);
            if (auto const whole = parse_integer(*value)) return Json(*whole);
            if (auto const real = parse_number(*value)) return Json(*real);
        }
        return to_json(*value);
    }

    std::optional<Json> any_map(YamlCursor const& cursor) const {
        if (!cursor.expect(YamlKind::map, "a map of values")) return std::nullopt;
        JsonObject out;
        for (auto const& [key, entry] : cursor.entries()) {
            auto value = plain(entry);
            if (value) out[key] = std::move(*value);
        }
        return Json(std::move(out));
    }

    std::optional<Json> choice(YamlCursor const& cursor) const {
        auto const value = word(cursor, "one of the known words");
        if (!value) return std::nullopt;
        auto const& known = field_.choices;
        if (std::find(known.begin(), known.end(), *value) != known.end()) return to_json(*value);
        auto const& later = field_.later_choices;
        if (std::find(later.begin(), later.end(), *value) != later.end()) {
            cursor.error(
                field_.name + " " + quoted(*value) +
                " arrives in a later version of rollbackd; this one does not have it"
            );
            return std::nullopt;
        }
        cursor.error("unknown " + field_.name + " " + quoted(*value) + suggest(*value, known));
        return std::nullopt;
    }

    std::optional<Json> condition(YamlCursor const& cursor) const {
        auto const value = cursor.text("a condition");
        if (!value) return std::nullopt;
        if (hooks_.condition) hooks_.condition(cursor, *value);
        return to_json(*value);
    }

    std::optional<Json> object(YamlCursor const& cursor) const {
        TypeInfo nested;
        nested.name = field_.name;
        nested.fields = field_.fields;
        auto value = read_params(cursor, nested, hooks_);
        if (cursor.kind() != YamlKind::map) return std::nullopt;
        return Json(std::move(value));
    }

    std::optional<Json> one_status(YamlCursor const& cursor) const {
        auto const value = word(cursor, "a status like 200 or 2xx");
        if (!value) return std::nullopt;
        if (!is_status(*value)) {
            cursor.error(quoted(*value) + " is no HTTP status; write one like 200 or 2xx");
            return std::nullopt;
        }
        if (auto const code = parse_integer(*value)) return Json(*code);
        return to_json(std::string(1, value->front()) + "xx");
    }

    std::optional<Json> status(YamlCursor const& cursor) const {
        if (cursor.kind() != YamlKind::list) return one_status(cursor);
        JsonArray out;
        for (auto const& item : cursor.items()) {
            auto value = one_status(item);
            if (value) out.push_back(std::move(*value));
        }
        if (out.empty()) {
            cursor.error("no status in the list; write one like 200 or 2xx");
            return std::nullopt;
        }
        return Json(std::move(out));
    }

    Field const& field_;
    ValueHooks const& hooks_;
};

void check_alternatives(MapReader const& map, TypeInfo const& type) {
    for (auto const& alternatives : type.one_of) {
        std::string names;
        std::size_t present = 0;
        for (auto const& name : alternatives) {
            names += (names.empty() ? "" : " or ") + name;
            if (map.has(name)) ++present;
        }
        if (present == 1 || map.at().kind() != YamlKind::map) continue;
        map.at().error(type.name + " needs exactly one of " + names);
    }
}

}  // namespace

std::string describe_bounds(Field const& field) {
    if (field.min && field.max) {
        return "from " + shown_bound(field, *field.min) + " to " + shown_bound(field, *field.max);
    }
    if (field.min) return "at least " + shown_bound(field, *field.min);
    if (field.max) return "at most " + shown_bound(field, *field.max);
    return "";
}

std::optional<Json> read_value(
    YamlCursor const& cursor, Field const& field, ValueHooks const& hooks
) {
    return ValueReader(field, hooks).read(cursor);
}

JsonObject read_params(
    YamlCursor const& cursor, TypeInfo const& type, ValueHooks const& hooks, Section const* beside
) {
    Section const section{type.name, type.doc, type.fields};
    MapReader map(cursor, section);
    if (beside != nullptr) map.set_beside(*beside);
    JsonObject out;
    for (auto const& field : section.fields) {
        auto const value = map.take(field.name);
        if (!value) {
            if (!field.otherwise.is_null()) out[field.name] = field.otherwise;
            continue;
        }
        auto made = read_value(*value, field, hooks);
        if (made) out[field.name] = std::move(*made);
    }
    check_alternatives(map, type);
    map.finish();
    return out;
}

std::optional<Json> read_key(MapReader& map, std::string_view key, ValueHooks const& hooks) {
    auto const cursor = map.take(key);
    if (!cursor) return std::nullopt;
    return read_value(*cursor, map.field(key), hooks);
}

void report_conversion(MapReader const& map, std::string_view key, std::string const& what) {
    map.at().error("the value of " + std::string(key) + " does not fit: " + what);
}

}  // namespace rollbackd

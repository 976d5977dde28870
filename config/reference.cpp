// The reference of every key and type, written from the tables the reader uses.
#include "config/fields.hpp"
#include "config/keys.hpp"
#include "config/schema.hpp"

#include <array>
#include <charconv>

namespace rollbackd {

namespace {

std::string type_words(Field const& field) {
    switch (field.type) {
        case FieldType::text:
            return "text";
        case FieldType::path:
            return "absolute path";
        case FieldType::url:
            return "URL";
        case FieldType::integer:
            return "whole number";
        case FieldType::number:
            return "number";
        case FieldType::boolean:
            return "true or false";
        case FieldType::duration:
            return "duration";
        case FieldType::size:
            return "size";
        case FieldType::argv:
            return "command, a list of words";
        case FieldType::text_list:
            return "list of texts";
        case FieldType::argv_list:
            return "list of commands";
        case FieldType::text_map:
            return "map of texts";
        case FieldType::any_map:
            return "map of values";
        case FieldType::choice: {
            std::string words;
            for (auto const& choice : field.choices) {
                words += (words.empty() ? "" : ", ") + ("`" + choice + "`");
            }
            return words;
        }
        case FieldType::condition:
            return "condition";
        case FieldType::object:
            return field.fields.empty() ? "see below" : "map";
        case FieldType::status:
            return "HTTP status, class, or list of these";
    }
    return "";
}

std::string default_words(Field const& field) {
    if (field.required) return "required";
    if (field.otherwise.is_null()) return "";
    if (field.type == FieldType::duration && field.otherwise.is_int64()) {
        return "`" + format_duration(Duration(field.otherwise.get_int64())) + "`";
    }
    if (field.otherwise.is_string()) return "`" + std::string(field.otherwise.get_string()) + "`";
    if (field.otherwise.is_double()) {  // 0.95, which JSON writes as 9.5E-1
        std::array<char, 32> digits{};
        auto const number = field.otherwise.get_double();
        auto* const end = std::to_chars(digits.data(), digits.data() + 32, number).ptr;
        return "`" + std::string(digits.data(), end) + "`";
    }
    return "`" + to_text(field.otherwise) + "`";
}

/// A table's cell: a bar would end it.
std::string cell(std::string const& text) {
    std::string out;
    for (char const c : text) {
        if (c == '|') out += '\\';
        out += c == '\n' ? ' ' : c;
    }
    return out;
}

void add_rows(std::string& out, std::vector<Field> const& fields, std::string const& prefix) {
    for (auto const& field : fields) {
        auto const bounds = describe_bounds(field);
        auto type = type_words(field);
        if (!bounds.empty()) type += ", " + bounds;
        auto doc = field.doc;
        if (field.secret) doc += " Secret.";
        out += "| `" + prefix + field.name + "` | " + cell(type) + " | " +
               cell(default_words(field)) + " | " + cell(doc) + " |\n";
        add_rows(out, field.fields, prefix + field.name + ".");
    }
}

void add_table(std::string& out, std::vector<Field> const& fields) {
    if (fields.empty()) return;
    out += "\n| key | what | default | |\n|---|---|---|---|\n";
    add_rows(out, fields, "");
}

std::string title_of(std::string const& name) {
    auto title = name;
    for (auto const* const article : {"a ", "an "}) {
        if (title.starts_with(article)) title.erase(0, std::string(article).size());
    }
    title[0] = char(title[0] >= 'a' && title[0] <= 'z' ? title[0] - 'a' + 'A' : title[0]);
    return title;
}

std::string traits_of(TypeInfo const& type) {
    std::string out;
    if (!type.kind.empty()) out += " Kind: " + type.kind + ".";
    if (type.is_probe) out += " A probe.";
    if (type.idempotent) out += " Idempotent.";
    if (type.destructive) out += " Destructive: it asks first.";
    if (type.destroys != nullptr) out += " Asks first where it destroys something.";
    return out;
}

void add_types(
    std::string& out, std::string const& title, std::vector<TypeInfo> const& types,
    std::vector<std::string> const& later
) {
    out += "\n## " + title + "\n";
    for (auto const& type : types) {
        out += "\n### " + title + ": `" + type.name + "`\n\n" + type.doc + traits_of(type) + "\n";
        for (auto const& alternatives : type.one_of) {
            std::string names;
            for (auto const& name : alternatives) {
                names += (names.empty() ? "" : " or ") + ("`" + name + "`");
            }
            out += "Exactly one of " + names + ".\n";
        }
        add_table(out, type.fields);
    }
    if (later.empty()) return;
    out += "\nOf later versions, and refused by this one:";
    for (std::size_t i = 0; i < later.size(); ++i) {
        out += (i == 0 ? " `" : ", `") + later[i] + "`";
    }
    out += ".\n";
}

}  // namespace

std::string reference_markdown(Catalogue const& catalogue) {
    std::string out;
    for (auto const* const section : keys::all()) {
        out += (out.empty() ? "## " : "\n## ") + title_of(section->name) + "\n\n" + section->doc +
               "\n";
        add_table(out, section->fields);
    }
    add_types(out, "Signal types", catalogue.signals, catalogue.later_signals);
    add_types(out, "Step types", catalogue.steps, catalogue.later_steps);
    add_types(out, "Notifier types", catalogue.notifiers, catalogue.later_notifiers);
    add_types(out, "Types of release.version", catalogue.release_versions, {});
    add_types(out, "Types of release.schema", catalogue.release_schemas, {});
    return out;
}

}  // namespace rollbackd

#include "actions/template.hpp"

#include "core/names.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

constexpr std::string_view opening = "{{";
constexpr std::string_view closing = "}}";
/// "{{{{" stands for a literal "{{", so that docker's --format strings can be written.
constexpr std::string_view escaped_opening = "{{{{";

bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
}

bool is_template_name(std::string_view name) {
    if (name.empty() || name.front() == '.' || name.front() == '-' || name.back() == '.') {
        return false;
    }
    return std::all_of(name.begin(), name.end(), is_name_char);
}

std::string_view trim(std::string_view text) {
    auto const first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// One stretch of a template: literal text, or a name.
struct Piece {
    bool is_name = false;
    std::string_view text;
};

Result<std::vector<Piece>> split(std::string_view text) {
    std::vector<Piece> pieces;
    auto const literal = [&](std::string_view part) {
        if (!part.empty()) pieces.push_back({false, part});
    };
    while (!text.empty()) {
        auto const open = text.find(opening);
        if (open == std::string_view::npos) {
            literal(text);
            break;
        }
        literal(text.substr(0, open));
        text.remove_prefix(open);
        if (text.starts_with(escaped_opening)) {
            literal(opening);
            text.remove_prefix(escaped_opening.size());
            continue;
        }
        auto const close = text.find(closing);
        if (close == std::string_view::npos) {
            return fail(
                Errc::invalid,
                "\"{{\" without \"}}\"; close the template, or write \"{{{{\" for a literal \"{{\"",
                std::string(text.substr(0, 40))
            );
        }
        auto const name = trim(text.substr(opening.size(), close - opening.size()));
        if (!is_template_name(name)) {
            return fail(
                Errc::invalid,
                "not a template name (letters, digits, \"_\", \"-\" and \".\"); write \"{{{{\" for "
                "a literal \"{{\"",
                std::string(text.substr(0, close + closing.size()))
            );
        }
        pieces.push_back({true, name});
        text.remove_prefix(close + closing.size());
    }
    return pieces;
}

/// What a value may not be, by where it is going.
enum class Guard { none, argument, shell };

/// Characters no shell gives a meaning to, quoted or not.
bool is_plain_in_shell(std::string_view value) {
    return !value.empty() && value.front() != '-' &&
           std::all_of(value.begin(), value.end(), [](char c) {
               return is_name_char(c) || std::string_view("/:@%+=,").find(c) != std::string::npos;
           });
}

tl::unexpected<Error> refused(std::string_view name, std::string_view value, char const* why) {
    constexpr std::size_t shown_max = 80;
    return fail(
        Errc::forbidden, "the value of {{ " + std::string(name) + " }} " + why,
        printable(value, shown_max)
    );
}

Result<std::string> render_guarded(
    std::string_view text, TemplateValues const& values, Guard guard
) {
    auto const pieces = split(text);
    if (!pieces) return tl::unexpected(pieces.error());
    std::string out;
    for (auto const& piece : *pieces) {
        if (!piece.is_name) {
            out += piece.text;
            continue;
        }
        auto const value = values(piece.text);
        if (!value) {
            return fail(Errc::not_found, "{{ " + std::string(piece.text) + " }} has no value here");
        }
        if (value->find('\0') != std::string::npos) {
            return refused(piece.text, *value, "holds a zero byte, which no argument can carry");
        }
        if (guard == Guard::argument && out.empty() && value->starts_with('-')) {
            return refused(
                piece.text, *value, "begins with \"-\" and would be taken for an option"
            );
        }
        if (guard == Guard::shell && !is_plain_in_shell(*value)) {
            return refused(
                piece.text, *value,
                "is not plain enough for a shell line (letters, digits and _-./:@%+=, not "
                "beginning with \"-\"); use argv instead of shell"
            );
        }
        out += *value;
    }
    return out;
}

Result<Json> render_value(Json const& value, TemplateValues const& values, Guard guard) {
    if (auto const* const text = value.if_string()) {
        auto rendered = render_guarded(std::string_view(*text), values, guard);
        if (!rendered) return tl::unexpected(rendered.error());
        return to_json(*rendered);
    }
    if (auto const* const array = value.if_array()) {
        JsonArray out;
        for (auto const& item : *array) {
            auto rendered = render_value(item, values, guard);
            if (!rendered) return rendered;
            out.push_back(std::move(*rendered));
        }
        return Json(std::move(out));
    }
    if (auto const* const object = value.if_object()) {
        JsonObject out;
        for (auto const& [key, item] : *object) {
            // A value inside a shell line is code unless it is plain, whoever asked for the guard.
            auto rendered = render_value(item, values, key == "shell" ? Guard::shell : guard);
            if (!rendered) return rendered;
            out[key] = std::move(*rendered);
        }
        return Json(std::move(out));
    }
    return value;
}

}  // namespace

Result<std::vector<std::string>> template_names(std::string_view text) {
    auto const pieces = split(text);
    if (!pieces) return tl::unexpected(pieces.error());
    std::vector<std::string> names;
    for (auto const& piece : *pieces) {
        if (piece.is_name) names.emplace_back(piece.text);
    }
    return names;
}

Result<std::string> render(std::string_view text, TemplateValues const& values) {
    return render_guarded(text, values, Guard::none);
}

Result<Json> render_all(Json const& params, TemplateValues const& values, bool argv_guard) {
    return render_value(params, values, argv_guard ? Guard::argument : Guard::none);
}

bool holds_template(std::string_view value) {
    return value.find("{{") != std::string_view::npos || value.find("${") != std::string_view::npos;
}

}  // namespace rollbackd

#include "config/templates.hpp"

#include "actions/playbook.hpp"
#include "actions/template.hpp"
#include "core/names.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

/// Where `name` is used as a template for the first time.
std::size_t offset_of(std::string const& text, std::string const& name) {
    std::size_t at = 0;
    while ((at = text.find("{{", at)) != std::string::npos) {
        auto const start = text.find_first_not_of(" \t", at + 2);
        if (start != std::string::npos && text.compare(start, name.size(), name) == 0) return start;
        at += 2;
    }
    return 0;
}

/// Of "steps.NAME.as_of" or "steps.NAME.version" "steps.NAME", where that much of it is known.
std::string saved_by_another(std::string const& name, std::vector<std::string> const& names) {
    auto saved = saved_part(name, "version");
    if (saved.empty()) saved = saved_part(name, "as_of");
    auto const whole = "steps." + std::string(saved);
    bool const known = std::find(names.begin(), names.end(), whole) != names.end();
    return !saved.empty() && known ? whole : std::string();
}

}  // namespace

bool check_names_at(
    YamlCursor const& cursor, std::string const& text, std::vector<std::string> const& names
) {
    if (text.find("{{") == std::string::npos) return true;
    auto const used = template_names(text);
    if (!used) {
        cursor.error_at(text.find("{{"), used.error().what);
        return false;
    }
    bool fine = true;
    for (auto const& name : *used) {
        if (std::find(names.begin(), names.end(), name) != names.end()) continue;
        if (auto const saved = saved_by_another(name, names); !saved.empty()) {
            cursor.error_at(
                offset_of(text, name),
                saved +
                    " is of a step that restores no backup: only of one that does (pg_restore, "
                    "archive_restore) are as_of and version known"
            );
            fine = false;
            continue;
        }
        cursor.error_at(
            offset_of(text, name),
            "nothing is named \"" + printable(name, 80) + "\" here" + suggest(name, names)
        );
        fine = false;
    }
    return fine;
}

std::optional<std::string> render_at(
    YamlCursor const& cursor, std::string const& text, TemplateVars const& vars
) {
    if (text.find("{{") == std::string::npos) return text;
    std::vector<std::string> names;
    for (auto const& [name, value] : vars) names.push_back(name);
    if (!check_names_at(cursor, text, names)) return std::nullopt;
    auto rendered = render(text, [&](std::string_view name) -> std::optional<std::string> {
        return vars.at(std::string(name));
    });
    if (rendered) return *rendered;
    cursor.error(rendered.error().what);
    return std::nullopt;
}

}  // namespace rollbackd

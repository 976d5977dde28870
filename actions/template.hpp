// Templates: "{{ name }}" inside a policy's strings. A value is put in as it is, into one string:
// it can never become a second argument. Where a rendered argv element begins with the value, a
// leading "-" is refused, so a version named "--upload-pack=…" is never an option.
// "{{{{" stands for a literal "{{". A rendered value is never rendered again.
// "${NAME}" (a secret from the environment) is left alone here: it is filled in at the last moment.
#pragma once

#include "core/json.hpp"

#include <functional>

namespace rollbackd {

/// Names used: "url", "known_good.version", "inputs.tables".
Result<std::vector<std::string>> template_names(std::string_view text);

/// Whether `value` would be filled in where it goes, by a template or from the environment. A value
/// from outside must not be.
bool holds_template(std::string_view value);

/// Answers the value of a name, or nullopt where it has none.
using TemplateValues = std::function<std::optional<std::string>(std::string_view)>;

/// An unknown name is an error that names it.
Result<std::string> render(std::string_view text, TemplateValues const& values);
/// Renders every string inside `params`, recursively (keys are left alone). `argv_guard` refuses a
/// rendered string that starts with a "-" which came out of a value. Under a key named "shell" a
/// value must be plain (letters, digits and _-./:@%+=, not beginning with "-"), always.
Result<Json> render_all(Json const& params, TemplateValues const& values, bool argv_guard = true);

}  // namespace rollbackd

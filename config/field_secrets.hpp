// Secrets in a policy: values that should not stand in the file, files that hold them, and
// variables of the environment. Looks at what is there, never reads a value.
#pragma once

#include "config/fields.hpp"

#include <set>

namespace rollbackd {

/// A field whose file's content is a secret (url_file), which systemd may bring as a credential.
bool is_secret_file(Field const& field);
/// What is wrong with such a name itself, as it goes on after the name; empty: nothing.
std::string secret_path_problem(std::string const& value);

/// Cuts a secret that stands in the file out of what is shown and journaled, and warns of it.
void hide_secret(YamlCursor const& cursor, Field const& field, std::string const& value);

/// Whether the file is there, readable by us and by nobody it does not concern. `required`: what
/// is missing is an error (the daemon starts), else a warning (somebody checks a file).
void look_at_secret_file(YamlCursor const& cursor, std::string const& name, bool required);
/// Whether every ${NAME} of `text` is set: a warning. Its names go into `variables`.
void look_at_environment(
    YamlCursor const& cursor, std::string const& text, std::set<std::string>& variables
);

}  // namespace rollbackd

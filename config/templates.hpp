// Templates in a policy: put in at load where everything is known (signals), checked by name where
// they are rendered later (playbooks). "${NAME}" is left alone: a secret from the environment.
#pragma once

#include "config/yaml_cursor.hpp"

namespace rollbackd {

using TemplateVars = std::map<std::string, std::string>;

/// The text with every name's value put in. Nothing: an unknown name, reported at its place.
std::optional<std::string> render_at(
    YamlCursor const& cursor, std::string const& text, TemplateVars const& vars
);

/// Whether every name used is among `names`; each unknown one is reported at its place.
bool check_names_at(
    YamlCursor const& cursor, std::string const& text, std::vector<std::string> const& names
);

}  // namespace rollbackd

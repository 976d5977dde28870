// What a policy may contain, said to machines and to people from the same tables the reader uses.
#pragma once

#include "core/descriptor.hpp"

namespace rollbackd {

/// JSON Schema 2020-12 of a policy file, for editors.
Json policy_schema(Catalogue const& catalogue);

/// Reference of every key and type, as Markdown: the generated part of docs/configuration.md.
std::string reference_markdown(Catalogue const& catalogue);

}  // namespace rollbackd

// A small catalogue of the tests' own, so that golden messages do not change with another room's
// descriptors. The shipped examples are tested with known_types().
#pragma once

#include "core/descriptor.hpp"

namespace rollbackd::testing {

Catalogue const& small_types();

/// The text of a file below the source folder.
std::string source_file(std::string const& path);

}  // namespace rollbackd::testing

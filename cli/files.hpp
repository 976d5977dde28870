// Files that a person names: read whole up to a limit, written only where none is.
#pragma once

#include "cli/outcome.hpp"

#include <string>

namespace rollbackd::cli {

Outcome<std::string> read_whole(std::string const& path, std::size_t bytes_max);
/// Never over an existing file, not even by a race.
Outcome<Exit> write_new(std::string const& path, std::string const& text);

}  // namespace rollbackd::cli

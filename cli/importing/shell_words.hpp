// A line of shell as the commands it is made of, where it is made of plain words: no pipe, no
// redirection, no variable, nothing a shell would replace. Pure.
#pragma once

#include "core/error.hpp"

#include <string_view>
#include <vector>

namespace rollbackd::cli {

using Words = std::vector<std::string>;

/// "a b && c" are two commands; a comment at the end is left out. An Error says what is not plain.
Result<std::vector<Words>> plain_commands(std::string_view line);

}  // namespace rollbackd::cli

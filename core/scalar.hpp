// A JSON value as a word of text: for arguments, versions, ids and fields of a log, which come as a
// string from one sender and as a number from another.
#pragma once

#include "core/json.hpp"

namespace rollbackd {

/// A string without its quotes; a number as people write it: 4 and 1.5, not 4E0 and 1.5E0.
std::string scalar_text(Json const& value);

}  // namespace rollbackd

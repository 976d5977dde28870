// Every type this program knows, gathered from the rooms that implement them: what load_policy()
// and the reference documentation are handed, by the daemon and by rollbackctl alike.
#pragma once

#include "core/descriptor.hpp"

namespace rollbackd {

/// Made at the first call, then always the same.
Catalogue const& known_types();

}  // namespace rollbackd

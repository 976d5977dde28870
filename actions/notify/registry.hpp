// Every notifier type by name, for configuration.
#pragma once

#include "core/descriptor.hpp"

namespace rollbackd {

/// For Catalogue::notifiers.
std::vector<TypeInfo> notifier_catalogue();
/// Types of DESIGN A2 that this version does not have yet.
std::vector<std::string> later_notifier_types();

}  // namespace rollbackd

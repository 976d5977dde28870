// What each notifier type says about itself to configuration.
#pragma once

#include "core/descriptor.hpp"

namespace rollbackd {

TypeInfo webhook_info();
TypeInfo exec_notifier_info();

}  // namespace rollbackd

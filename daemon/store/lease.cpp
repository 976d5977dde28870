#include "daemon/store/lease.hpp"

namespace rollbackd {

// From before the asking: the answer may have taken long, and a pause may lie behind it.
Instant relied_until(Now asked) { return asked.boot + lease_relied; }

bool relies_on(std::optional<Instant> expires, Instant now) { return !expires || now < *expires; }

}  // namespace rollbackd

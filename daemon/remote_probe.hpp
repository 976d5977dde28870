// rollbackd --probe (triggers/probes/remote.hpp says what for).
#pragma once

namespace rollbackd {

/// The process's exit status.
int answer_probe();

}  // namespace rollbackd

// The ports this program itself listens on: the API that people need to mend what a step has done.
#pragma once

#include <cstdint>
#include <vector>

namespace rollbackd {

/// In order, each once. Of this process' own sockets, so it is true whatever the policy says.
std::vector<std::uint16_t> own_listening_ports();

}  // namespace rollbackd

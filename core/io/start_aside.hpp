// Starts a program in a thread of its own. posix_spawn returns only once the program runs, and on a
// mount that hangs entering its folder, or reading it, never ends: then that thread alone waits.
// For process.cpp.
#pragma once

#include "core/io/spawn.hpp"

#include <boost/asio/awaitable.hpp>

namespace rollbackd {

struct AsideStart {
    Result<Spawned> spawned;
    /// Not 0: it was not started within the limit, and may hang for long. Whatever comes of it is
    /// ended by its own thread. Below 0, so that it is no process' number.
    int hung = 0;
};

/// Errc::cancelled: the caller was; what is started nevertheless is ended. Errc::unavailable: too
/// many starts of this thread hang already.
boost::asio::awaitable<AsideStart> start_aside(ProcessSpec spec, Duration limit);

/// Whether a start that was given up still hangs.
bool is_start_hanging(int hung);

inline constexpr std::size_t hanging_starts_max = 64;

}  // namespace rollbackd

#include "core/io/own_files.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <algorithm>

namespace rollbackd {

Fd own_files(int kept) {
// The thread sanitizer knows descriptors by their number alone.
#ifndef __SANITIZE_THREAD__
    constexpr unsigned first = STDERR_FILENO + 1;
    auto const above = static_cast<unsigned>(std::max(kept, STDERR_FILENO)) + 1;
    if (::close_range(above, ~0U, CLOSE_RANGE_UNSHARE) == 0) {
        if (above > first + 1) ::close_range(first, above - 2, 0);
        return Fd(kept);
    }
#endif
    return Fd(kept < 0 ? kept : ::fcntl(kept, F_DUPFD_CLOEXEC, 0));
}

void own_files_from_now_on() { thread_local Fd const none = own_files(); }

}  // namespace rollbackd

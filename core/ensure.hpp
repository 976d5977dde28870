// Broken invariants end the process, in release builds too: a wrong rollback is worse than a
// restart, and the journal makes the restart safe.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <source_location>

namespace rollbackd {

inline void ensure(
    bool holds, char const* invariant, std::source_location at = std::source_location::current()
) {
    if (holds) return;
    std::fprintf(
        stderr, "%s:%u: broken invariant: %s\n", at.file_name(), unsigned(at.line()), invariant
    );
    std::abort();
}

}  // namespace rollbackd

// --watch: what a command shows, again and again.
#pragma once

#include "cli/command.hpp"

namespace rollbackd::cli {

inline constexpr std::chrono::milliseconds look_again_every{2'000};

/// On a terminal in the same place each time, elsewhere whenever it has changed; until Ctrl-C, or
/// after --count looks. A daemon that was there once is waited for.
Outcome<Exit> again_and_again(Handler handler, Context& context, Arguments const& given);

}  // namespace rollbackd::cli

// How a command ends. The exit codes are a contract (DESIGN A3): scripts and CI decide by them.
#pragma once

#include "core/error.hpp"

namespace rollbackd::cli {

enum class Exit { done = 0, refused = 1, usage = 2, unreachable = 3 };

/// Why a command did not do what it was asked: one line of what, where and how to mend.
struct Refused {
    Exit exit = Exit::refused;
    std::string line;

    friend bool operator==(Refused const&, Refused const&) = default;
};

template <class T>
using Outcome = tl::expected<T, Refused>;

inline tl::unexpected<Refused> refuse(std::string line, Exit exit = Exit::refused) {
    return tl::unexpected<Refused>(Refused{exit, std::move(line)});
}
inline tl::unexpected<Refused> misuse(std::string line) {
    return refuse(std::move(line), Exit::usage);
}

}  // namespace rollbackd::cli

// What was expected, against what there is: in words, where they differ.
#pragma once

#include "cli/rehearsal/play.hpp"
#include "engine/engine.hpp"

namespace rollbackd::cli {

/// Nothing: it is as expected.
std::optional<Failure> judge(Expectation const& expected, Engine const& engine, Now now);

}  // namespace rollbackd::cli

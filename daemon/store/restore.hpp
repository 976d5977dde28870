// From the store to an engine that knows where it was: the newest checkpoint that fits the journal,
// the records after it, the windows. The daemon and the simulation start with it.
#pragma once

#include "daemon/store/journal.hpp"
#include "engine/engine.hpp"

namespace rollbackd {

inline constexpr std::string_view state_checkpoint = "state";
inline constexpr std::string_view windows_checkpoint = "windows";

/// Loads what fits the journal into the engine; returns the offsets of the sources. `problem`: why
/// the journal cannot be read or understood, and nothing may be decided on it.
Json restore(Engine& engine, Journal const& journal, Now now, std::string& problem);

}  // namespace rollbackd

// Loading the configuration as the daemon needs it, and telling people what is wrong with it.
#pragma once

#include "config/load.hpp"
#include "core/record.hpp"
#include "daemon/store/journal.hpp"
#include "engine/state.hpp"

namespace rollbackd {

/// With secret files required and every type's own checks asked.
LoadResult load_for_start(std::string const& path);
/// The values of what the policy names as secret, for the redactor; what cannot be read is no
/// secret yet. Blocks.
std::vector<std::string> read_secrets(LoadResult const& result);
void print_problems(LoadResult const& result);
std::string first_error(LoadResult const& result);
/// {"ok","hash","services","problems":[{"severity","file","line","column","text"}]}
Json problems_to_json(LoadResult const& result);
Json check_policy_text(std::string_view yaml);
/// What a reload cannot change, of what differs: "daemon.listen takes effect at the next start".
std::string restart_note(DaemonPolicy const& running, DaemonPolicy const& wanted);

/// Where supervised steps keep their claims: as configured, else beside the store.
std::string run_dir_of(DaemonPolicy const& daemon);
/// How this machine opens the store; `node` is left to who has locked the folder of steps.
StoreOptions store_options_of(DaemonPolicy const& daemon);

}  // namespace rollbackd

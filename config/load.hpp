// From YAML to the Policy, once, with every mistake at its place. The types of signals, steps and
// notifiers come from the Catalogue handed in; nothing here knows a probe or a step by itself.
// Called at start, at reload, by `rollbackd --check`, `rollbackctl check` and /v1/config/check.
#pragma once

#include "config/problem.hpp"
#include "core/descriptor.hpp"
#include "engine/policy.hpp"

#include <memory>
#include <set>

namespace rollbackd {

struct LoadOptions {
    /// A secret file (…_file, tls.key) that cannot be read: an error when the daemon starts,
    /// else a warning.
    bool secrets_required = false;
    /// Whether to look at such files at all; false for text that came over the API.
    bool look_at_files = true;
};

struct LoadResult {
    std::shared_ptr<Policy const> policy;  // null if there is any error
    std::vector<Problem> problems;         // in order of file, line and column
    /// What the policy keeps its secrets in: read by the daemon before it says anything, so that
    /// none is told before its first use.
    std::set<std::string> secret_files = {};
    std::set<std::string> secret_variables = {};

    bool ok() const { return policy != nullptr; }
};

/// Reads `path` and every conf.d/*.yaml beside it. Never throws; an unreadable file is a Problem.
LoadResult load_policy(
    std::string const& path, Catalogue const& catalogue, LoadOptions const& options = {}
);

/// The same for one text in memory; `name` stands in the messages for the file. Also reads back
/// Policy::text, whole, when it was made of several files.
LoadResult parse_policy(
    std::string_view text, std::string const& name, Catalogue const& catalogue,
    LoadOptions const& options = {}
);

inline constexpr std::size_t policy_file_bytes_max = 1024 * 1024;
inline constexpr std::size_t policy_files_max = 1024;
inline constexpr std::size_t policy_nodes_max = 100'000;     // a file, after aliases are expanded
inline constexpr std::size_t policy_values_max = 1'000'000;  // all files together, likewise
inline constexpr std::size_t policy_problems_max = 500;

}  // namespace rollbackd

// Environment files (KEY=VALUE lines, as env_file, dotenv and EnvironmentFile= read them) and what
// is asked of their keys. Pure. Values are compared, and stand in no answer.
#pragma once

#include "triggers/probes/expressions.hpp"

namespace rollbackd {

using EnvValues = std::map<std::string, std::string, std::less<>>;

inline constexpr std::size_t env_keys_max = 10'000;

/// `export`, quotes and comments are understood; of a key that stands twice the last one counts.
/// Lines that are none are left out.
EnvValues parse_env(std::string_view text);

struct EnvQuestion {
    std::vector<std::string> keys;              // present and not empty
    std::map<std::string, Expression> match;    // found in the value
    std::map<std::string, std::string> sha256;  // of the value, 64 hexadecimal digits
};

/// What is wrong with the first key that is not as asked: "absent: JWT_SECRET"; empty: nothing.
std::string env_problem(EnvValues const& values, EnvQuestion const& question);

}  // namespace rollbackd

// The same argv on another machine: ssh's own argv, and quoting that survives the remote shell.
#pragma once

#include "actions/host.hpp"

#include <map>

namespace rollbackd {

/// What ssh itself answers when it, not the remote program, failed: nobody knows what was done.
inline constexpr int ssh_failed_exit = 255;

/// One word for any POSIX shell, whatever bytes it holds.
std::string shell_quote(std::string_view text);

/// Never asks anything, never trusts an unknown host, gives up on a peer that has gone silent.
std::vector<std::string> ssh_argv(
    HostPolicy const& host, std::vector<std::string> const& argv, std::string const& cwd,
    std::map<std::string, std::string> const& env
);

}  // namespace rollbackd

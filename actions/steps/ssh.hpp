// The same argv on another machine: ssh's own argv around it.
#pragma once

#include "actions/host.hpp"
#include "core/io/ssh_client.hpp"

namespace rollbackd {

SshTarget target_of(HostPolicy const& host);

/// `argv` in the folder `cwd` with `env` on top of what the shell over there has.
std::vector<std::string> ssh_argv(
    HostPolicy const& host, std::vector<std::string> const& argv, std::string const& cwd,
    std::map<std::string, std::string> const& env
);

}  // namespace rollbackd

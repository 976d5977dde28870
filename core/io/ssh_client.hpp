// Another machine over OpenSSH: whom to call and how, and quoting that survives its shell. Used by
// steps and checks, and by probes that ask `from` another host.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace rollbackd {

struct SshTarget {
    std::string destination;  // user@host, or a Host of ssh_config
    std::string identity_file;
    std::string known_hosts;
    std::uint16_t port = 22;

    friend bool operator==(SshTarget const&, SshTarget const&) = default;
};
using SshHosts = std::map<std::string, SshTarget>;  // by the name the policy gives them

/// What ssh itself answers when it, not the remote program, failed: nobody knows what was done.
inline constexpr int ssh_failed_exit = 255;

/// One word for any POSIX shell, whatever bytes it holds.
std::string shell_quote(std::string_view text);

/// The local argv that has `remote_line` run by the shell over there. Never asks anything, never
/// trusts an unknown host, gives up on a peer that has gone silent.
std::vector<std::string> ssh_command(SshTarget const& target, std::string remote_line);

}  // namespace rollbackd

#include "actions/steps/ssh.hpp"

namespace rollbackd {

SshTarget target_of(HostPolicy const& host) {
    return SshTarget{host.ssh, host.identity_file, host.known_hosts, host.port};
}

std::vector<std::string> ssh_argv(
    HostPolicy const& host, std::vector<std::string> const& argv, std::string const& cwd,
    std::map<std::string, std::string> const& env
) {
    std::string line;
    if (!cwd.empty()) line += "cd " + shell_quote(cwd) + " && ";
    // exec: a signal from the remote sshd reaches the program, not a shell around it.
    line += "exec";
    if (!env.empty()) {
        line += " env";
        for (auto const& [name, value] : env) line += " " + shell_quote(name + "=" + value);
    }
    for (auto const& argument : argv) line += " " + shell_quote(argument);
    return ssh_command(target_of(host), std::move(line));
}

}  // namespace rollbackd

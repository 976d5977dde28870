#include "actions/steps/ssh.hpp"

namespace rollbackd {

namespace {

constexpr std::uint16_t ssh_port = 22;

std::string remote_line(
    std::vector<std::string> const& argv, std::string const& cwd,
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
    return line;
}

}  // namespace

std::string shell_quote(std::string_view text) {
    std::string out = "'";
    for (char const c : text) {
        if (c == '\'') {
            out += "'\\''";
        } else {
            out += c;
        }
    }
    return out + "'";
}

std::vector<std::string> ssh_argv(
    HostPolicy const& host, std::vector<std::string> const& argv, std::string const& cwd,
    std::map<std::string, std::string> const& env
) {
    std::vector<std::string> out{"ssh", "-T"};
    auto const option = [&](std::string const& text) {
        out.emplace_back("-o");
        out.push_back(text);
    };
    option("BatchMode=yes");
    option("StrictHostKeyChecking=yes");
    option("ConnectTimeout=10");
    option("ServerAliveInterval=5");
    option("ServerAliveCountMax=3");
    option("ForwardAgent=no");
    option("ClearAllForwardings=yes");
    // A shared connection would die with the step that happened to open it.
    option("ControlMaster=no");
    if (!host.known_hosts.empty()) {
        option("UserKnownHostsFile=" + host.known_hosts);
        option("GlobalKnownHostsFile=/dev/null");
    }
    if (!host.identity_file.empty()) {
        option("IdentitiesOnly=yes");
        out.insert(out.end(), {"-i", host.identity_file});
    }
    if (host.port != ssh_port) out.insert(out.end(), {"-p", std::to_string(host.port)});
    out.insert(out.end(), {"--", host.ssh, remote_line(argv, cwd, env)});
    return out;
}

}  // namespace rollbackd

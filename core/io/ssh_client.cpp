#include "core/io/ssh_client.hpp"

namespace rollbackd {

namespace {

constexpr std::uint16_t ssh_port = 22;

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

std::vector<std::string> ssh_command(SshTarget const& target, std::string remote_line) {
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
    if (!target.known_hosts.empty()) {
        option("UserKnownHostsFile=" + target.known_hosts);
        option("GlobalKnownHostsFile=/dev/null");
    }
    if (!target.identity_file.empty()) {
        option("IdentitiesOnly=yes");
        out.insert(out.end(), {"-i", target.identity_file});
    }
    if (target.port != ssh_port) out.insert(out.end(), {"-p", std::to_string(target.port)});
    out.insert(out.end(), {"--", target.destination, std::move(remote_line)});
    return out;
}

}  // namespace rollbackd

// A machine that steps and checks can be carried out on, over OpenSSH.
#pragma once

#include "core/json.hpp"

namespace rollbackd {

struct HostPolicy {
    std::string name;
    std::string ssh;  // user@host, or a Host of ssh_config
    std::string identity_file;
    std::string known_hosts;
    std::uint16_t port = 22;

    friend bool operator==(HostPolicy const&, HostPolicy const&) = default;
};

}  // namespace rollbackd

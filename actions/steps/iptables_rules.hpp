// What `iptables -S` says of a port: which rules let a new connection from outside through before
// one that drops it from everybody. Pure; any text is read.
#pragma once

#include "core/json.hpp"

namespace rollbackd {

struct PortVerdict {
    bool dropped = false;             // a rule drops or rejects it from everybody
    std::vector<std::string> before;  // rules in front of that one which may accept it

    friend bool operator==(PortVerdict const&, PortVerdict const&) = default;
};

/// As INPUT and the chains it jumps to are gone through. What a rule's match says that is not known
/// here may hold or not: then it may accept, and does not surely drop. `known` are networks whose
/// accepts are meant to be there.
PortVerdict judge_port(
    std::string_view rules, std::uint16_t port, std::string_view protocol,
    std::vector<std::string> const& known
);

}  // namespace rollbackd

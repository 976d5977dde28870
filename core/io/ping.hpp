// ICMP's echo: whether a machine answers at all. By a ping socket where the kernel lets us
// (net.ipv4.ping_group_range), else by a raw one (CAP_NET_RAW).
#pragma once

#include "core/io/net_failure.hpp"

#include <boost/asio/awaitable.hpp>
#include <span>

namespace rollbackd {

/// The time to the answer. Asked twice, the second time halfway, for packets get lost. NetFault:
/// timeout, unreachable, cancelled; invalid, beginning with "denied", where it is not permitted.
boost::asio::awaitable<NetResult<Duration>> ping(std::string address, Duration limit);

/// An echo request with this payload, checksum included.
std::vector<unsigned char> echo_request(bool v6, std::span<unsigned char const> payload);
/// Whether a packet, with or without its IP header, is the answer to that request. Pure.
bool is_echo_reply(
    std::span<unsigned char const> packet, bool v6, std::span<unsigned char const> payload
);

}  // namespace rollbackd

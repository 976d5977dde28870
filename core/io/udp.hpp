// One question, one answer, by UDP on a socket of its own.
#pragma once

#include "core/io/net_failure.hpp"

#include <boost/asio/awaitable.hpp>

namespace rollbackd {

struct UdpPeer {
    std::string address;  // literal
    std::uint16_t port = 0;
};

bool is_ip_address(std::string_view text);

/// Sends `question` and waits for a datagram of that very peer which begins with the same
/// `same_bytes` bytes (an id); asked again halfway, for datagrams get lost. Other datagrams are
/// passed over. NetFault: refused, unreachable, timeout, cancelled, invalid.
boost::asio::awaitable<NetResult<std::vector<unsigned char>>> ask_udp(
    UdpPeer peer, std::vector<unsigned char> question, std::size_t same_bytes, Duration limit
);

inline constexpr std::size_t udp_answer_bytes_max = 4096;

}  // namespace rollbackd

#include "core/io/ping.hpp"

#include "core/io/deadline.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/datagram_protocol.hpp>
#include <boost/asio/ip/icmp.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>

namespace rollbackd {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;
using SteadyClock = std::chrono::steady_clock;
using Socket = asio::generic::datagram_protocol::socket;

namespace {

constexpr auto token = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t payload_bytes = 16;
constexpr std::size_t header_bytes = 8;
constexpr std::size_t packet_bytes_max = 1500;
constexpr unsigned char echo_v4 = 8;
constexpr unsigned char echo_v6 = 128;
constexpr unsigned char reply_v4 = 0;
constexpr unsigned char reply_v6 = 129;

/// RFC 1071.
std::uint16_t checksum(std::span<unsigned char const> bytes) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); i += 2) {
        std::uint32_t const low = i + 1 < bytes.size() ? bytes[i + 1] : 0;
        sum += std::uint32_t(bytes[i]) << 8U | low;
    }
    while (sum >> 16U != 0) sum = (sum & 0xffffU) + (sum >> 16U);
    return static_cast<std::uint16_t>(~sum);
}

/// A ping socket, else a raw one, as one type of socket.
ErrorCode open(Socket& socket, asio::ip::icmp::endpoint const& endpoint) {
    bool const v6 = endpoint.address().is_v6();
    int const family = v6 ? AF_INET6 : AF_INET;
    int const protocol = v6 ? int(IPPROTO_ICMPV6) : int(IPPROTO_ICMP);
    ErrorCode code;
    (void)socket.open(asio::generic::datagram_protocol(family, protocol), code);
    if (code) {
        int const raw = ::socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
        if (raw < 0) return ErrorCode(errno, boost::system::system_category());
        (void)socket.assign(asio::generic::datagram_protocol(family, protocol), raw, code);
    }
    asio::generic::datagram_protocol::endpoint const peer(endpoint);
    if (!code) (void)socket.connect(peer, code);
    return code;
}

NetFailure failure(ErrorCode const& code, std::string const& address) {
    bool const denied =
        code == asio::error::access_denied || code == boost::system::errc::operation_not_permitted;
    if (denied) {
        return NetFailure{
            NetFault::invalid,
            "denied: neither a ping socket (net.ipv4.ping_group_range) nor a raw one (CAP_NET_RAW)",
            false
        };
    }
    return NetFailure{NetFault::unreachable, address + ": " + code.message(), false};
}

}  // namespace

std::vector<unsigned char> echo_request(bool v6, std::span<unsigned char const> payload) {
    std::vector<unsigned char> packet(header_bytes + payload.size(), 0);
    packet[0] = v6 ? echo_v6 : echo_v4;
    packet[7] = 1;  // sequence
    std::copy(payload.begin(), payload.end(), packet.begin() + header_bytes);
    auto const sum = checksum(packet);  // of IPv6 the kernel's own counts
    packet[2] = static_cast<unsigned char>(sum >> 8U);
    packet[3] = static_cast<unsigned char>(sum & 255U);
    return packet;
}

bool is_echo_reply(
    std::span<unsigned char const> packet, bool v6, std::span<unsigned char const> payload
) {
    // A raw socket of IPv4 shows the IP header, too.
    constexpr unsigned char version_4 = 4;
    if (!v6 && !packet.empty() && packet[0] >> 4U == version_4) {
        std::size_t const header = (packet[0] & 15U) * std::size_t(4);
        if (packet.size() < header) return false;
        packet = packet.subspan(header);
    }
    if (packet.size() != header_bytes + payload.size()) return false;
    if (packet[0] != (v6 ? reply_v6 : reply_v4) || packet[1] != 0) return false;
    return std::equal(payload.begin(), payload.end(), packet.begin() + header_bytes);
}

asio::awaitable<NetResult<Duration>> ping(std::string address, Duration limit) {
    auto const executor = co_await asio::this_coro::executor;
    ErrorCode code;
    auto const ip = asio::ip::make_address(address, code);
    if (code) co_return net_fail(NetFault::invalid, address + " is no address");
    asio::ip::icmp::endpoint const endpoint(ip, 0);
    Socket socket(executor);
    code = open(socket, endpoint);
    if (code) co_return tl::unexpected<NetFailure>(failure(code, address));
    std::array<unsigned char, payload_bytes> payload{};
    (void)RAND_bytes(payload.data(), static_cast<int>(payload.size()));  // only told apart by it
    auto const packet = echo_request(ip.is_v6(), payload);
    bool late = false;
    auto const expire = [&socket, &late] {
        late = true;
        ErrorCode ignored;
        socket.close(ignored);
    };
    Deadline const deadline(executor, limit, expire);
    auto const repeat = [&socket, &packet] {
        ErrorCode ignored;  // the first one may still be answered
        if (socket.is_open()) (void)socket.send(asio::buffer(packet), 0, ignored);
    };
    auto const begun = SteadyClock::now();
    auto const [sent, sent_bytes] = co_await socket.async_send(asio::buffer(packet), token);
    (void)sent_bytes;
    if (sent && !late) co_return tl::unexpected<NetFailure>(failure(sent, address));
    Deadline const again(executor, limit / 2, repeat);
    std::array<unsigned char, packet_bytes_max> room;
    while (!late) {
        auto const [got, bytes] = co_await socket.async_receive(asio::buffer(room), token);
        if (late) break;
        if (got == asio::error::operation_aborted) {
            co_return net_fail(NetFault::cancelled, "cancelled");
        }
        if (got) co_return tl::unexpected<NetFailure>(failure(got, address));
        std::span<unsigned char const> const seen(room.data(), bytes);
        if (is_echo_reply(seen, ip.is_v6(), payload)) co_return SteadyClock::now() - begun;
    }
    co_return net_fail(
        NetFault::timeout, "no answer from " + address + " within " + format_duration(limit)
    );
}

}  // namespace rollbackd

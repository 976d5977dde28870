#include "core/io/udp.hpp"

#include "core/io/deadline.hpp"
#include "core/io/task_group.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace rollbackd {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;

namespace {

constexpr auto token = asio::as_tuple(asio::use_awaitable);

tl::unexpected<NetFailure> failure(ErrorCode const& code, std::string const& peer) {
    auto fault = NetFault::unreachable;
    if (code == asio::error::connection_refused) fault = NetFault::refused;
    bool const ours = code == asio::error::no_descriptors || code == asio::error::no_memory ||
                      code == asio::error::access_denied;
    if (ours) fault = NetFault::invalid;
    return net_fail(fault, peer + ": " + code.message());
}

bool begins_alike(
    std::vector<unsigned char> const& a, std::vector<unsigned char> const& b, std::size_t bytes
) {
    return a.size() >= bytes && b.size() >= bytes &&
           std::equal(a.begin(), a.begin() + std::ptrdiff_t(bytes), b.begin());
}

}  // namespace

bool is_ip_address(std::string_view text) {
    ErrorCode code;
    (void)asio::ip::make_address(text, code);
    return !code;
}

asio::awaitable<NetResult<std::vector<unsigned char>>> ask_udp(
    UdpPeer peer, std::vector<unsigned char> question, std::size_t same_bytes, Duration limit
) {
    auto const executor = co_await asio::this_coro::executor;
    auto const shown = peer.address + ":" + std::to_string(peer.port);
    ErrorCode code;
    auto const address = asio::ip::make_address(peer.address, code);
    if (code) co_return net_fail(NetFault::invalid, peer.address + " is no address");
    asio::ip::udp::endpoint const endpoint(address, peer.port);
    asio::ip::udp::socket socket(executor);
    (void)socket.open(endpoint.protocol(), code);
    // Connected: the kernel passes over other senders, and tells that nobody listens.
    if (!code) (void)socket.connect(endpoint, code);
    if (code) co_return failure(code, shown);
    bool late = false;
    auto const expire = [&socket, &late] {
        late = true;
        ErrorCode ignored;
        socket.close(ignored);
    };
    Deadline const deadline(executor, limit, expire);
    auto const repeat = [&socket, &question] {
        ErrorCode ignored;  // the first one may still be answered
        if (socket.is_open()) (void)socket.send(asio::buffer(question), 0, ignored);
    };
    auto const [sent, sent_bytes] = co_await socket.async_send(asio::buffer(question), token);
    (void)sent_bytes;
    if (sent && !late) co_return failure(sent, shown);
    Deadline const again(executor, limit / 2, repeat);
    std::vector<unsigned char> answer;
    while (!late) {
        answer.resize(udp_answer_bytes_max);
        auto const [got, bytes] = co_await socket.async_receive(asio::buffer(answer), token);
        if (late) break;
        if (got == asio::error::operation_aborted) {
            co_return net_fail(NetFault::cancelled, "cancelled");
        }
        if (got) co_return failure(got, shown);
        answer.resize(bytes);
        if (begins_alike(answer, question, same_bytes)) co_return answer;
    }
    co_return net_fail(
        NetFault::timeout, "no answer from " + shown + " within " + format_duration(limit)
    );
}

}  // namespace rollbackd

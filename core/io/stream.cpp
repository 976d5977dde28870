#include "core/io/stream.hpp"

#include "core/io/deadline.hpp"
#include "core/io/task_group.hpp"
#include "core/io/tls_verify.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <charconv>

namespace rollbackd {

namespace asio = boost::asio;
namespace ssl = asio::ssl;
using Socket = asio::generic::stream_protocol::socket;
using Endpoint = asio::generic::stream_protocol::endpoint;
using ErrorCode = boost::system::error_code;
using SteadyClock = std::chrono::steady_clock;

namespace {

constexpr auto token = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t unix_path_max = 107;  // sun_path

NetFault fault_of(ErrorCode const& code) {
    for (int const ours : {EMFILE, ENFILE, ENOBUFS, ENOMEM, EADDRNOTAVAIL}) {
        // Out of descriptors or ports: says nothing about the peer.
        if (code.category() == boost::system::system_category() && code.value() == ours) {
            return NetFault::invalid;
        }
    }
    if (code == asio::error::connection_refused) return NetFault::refused;
    if (code == boost::system::errc::no_such_file_or_directory) return NetFault::refused;
    if (code == asio::error::timed_out) return NetFault::timeout;
    for (auto const closed :
         {asio::error::connection_reset, asio::error::broken_pipe, asio::error::connection_aborted,
          asio::error::not_connected}) {
        if (code == closed) return NetFault::closed;
    }
    return code == asio::error::eof ? NetFault::closed : NetFault::unreachable;
}

tl::unexpected<NetFailure> stopped() { return net_fail(NetFault::cancelled, "cancelled"); }

bool is_orderly_end(ErrorCode const& code) {
    // Many servers end a TLS connection without close_notify; the length of what they sent decides.
    return code == asio::error::eof || code == ssl::error::stream_truncated;
}

}  // namespace

Result<DialTarget> parse_address(std::string_view address) {
    DialTarget target;
    auto const colon = address.rfind(':');
    auto const wrong = [&] {
        return fail(
            Errc::invalid, "expected HOST:PORT, for example example.com:443 or [2001:db8::1]:443",
            std::string(address)
        );
    };
    if (colon == std::string_view::npos || colon == 0) return wrong();
    auto host = address.substr(0, colon);
    auto const port = address.substr(colon + 1);
    bool const bracketed = host.starts_with('[') && host.ends_with(']');
    if (bracketed) host = host.substr(1, host.size() - 2);
    if (!bracketed && host.find(':') != std::string_view::npos) return wrong();
    if (host.empty() || host.find_first_of("/@?#\\ []") != std::string_view::npos) return wrong();
    auto const [end, code] = std::from_chars(port.data(), port.data() + port.size(), target.port);
    if (code != std::errc{} || end != port.data() + port.size() || target.port == 0) return wrong();
    target.host = host;
    return target;
}

struct Connection::State {
    explicit State(asio::any_io_executor executor)
        : socket(executor), begun(SteadyClock::now()), mark(begun) {}

    /// Everything this connection waits for ends when the limit passes.
    void limit_to(Duration limit) {
        total = limit;
        auto expire = [this] { close(); };
        deadline.emplace(socket.get_executor(), limit, std::move(expire));
    }
    void close() {
        ErrorCode ignored;  // what matters is that nobody waits any more
        socket.close(ignored);
    }
    /// Time since the last lap.
    Duration lap() {
        auto const now = SteadyClock::now();
        return now - std::exchange(mark, now);
    }
    tl::unexpected<NetFailure> failure(ErrorCode const& code) const;
    /// Whether its task was told to stop since it began to dial. Asked before each wait: told
    /// between two of them, a task has no wait that would end, and the next would last to its
    /// deadline.
    asio::awaitable<bool> is_told_to_stop() const {
        bool const told = co_await is_cancelled();
        co_return told && !cleans_up;
    }

    Socket socket;
    std::optional<ssl::stream<Socket&>> tls;
    std::shared_ptr<ssl::context> context;
    TlsFindings findings;
    std::optional<Deadline> deadline;
    Duration total{};
    std::string phase;
    std::string peer_name;
    SteadyClock::time_point begun;
    SteadyClock::time_point mark;
    HttpTimings timings;
    std::optional<TlsPeer> peer;
    bool cleans_up = false;  // dialled by a task that had been told to stop already
};

tl::unexpected<NetFailure> Connection::State::failure(ErrorCode const& code) const {
    if (deadline && deadline->expired()) {
        auto const limit = std::chrono::round<std::chrono::milliseconds>(total);
        auto text = "no " + phase + " from " + peer_name + " within " + format_duration(limit);
        return net_fail(NetFault::timeout, std::move(text));
    }
    if (code == asio::error::operation_aborted) return stopped();
    auto const where = phase == "connection" ? peer_name : peer_name + ", waiting for " + phase;
    return net_fail(fault_of(code), where + ": " + code.message());
}

Connection::Connection(std::unique_ptr<State> state) : state_(std::move(state)) {}
Connection::~Connection() = default;
Connection::Connection(Connection&&) noexcept = default;

void Connection::expect(std::string phase) { state_->phase = std::move(phase); }
void Connection::extend(Duration limit) {
    if (!state_->deadline) return state_->limit_to(limit);
    state_->total = limit;
    state_->deadline->restart(limit);
}
void Connection::rest() { state_->deadline.reset(); }

HttpTimings const& Connection::timings() const { return state_->timings; }
std::optional<TlsPeer> const& Connection::peer() const { return state_->peer; }

asio::awaitable<NetResult<std::size_t>> Connection::read_some(std::span<char> into) {
    bool const told = co_await state_->is_told_to_stop();
    if (told) co_return stopped();
    auto const buffer = asio::buffer(into.data(), into.size());
    ErrorCode code;
    std::size_t length = 0;
    if (state_->tls) {
        std::tie(code, length) = co_await state_->tls->async_read_some(buffer, token);
    } else {
        std::tie(code, length) = co_await state_->socket.async_read_some(buffer, token);
    }
    if (!code || length > 0) co_return length;
    if (is_orderly_end(code) && !state_->deadline->expired()) co_return std::size_t(0);
    co_return state_->failure(code);
}

asio::awaitable<NetResult<bool>> Connection::write(std::string_view bytes) {
    bool const told = co_await state_->is_told_to_stop();
    if (told) co_return stopped();
    auto const buffer = asio::buffer(bytes.data(), bytes.size());
    ErrorCode code;
    std::size_t length = 0;
    if (state_->tls) {
        std::tie(code, length) = co_await asio::async_write(*state_->tls, buffer, token);
    } else {
        std::tie(code, length) = co_await asio::async_write(state_->socket, buffer, token);
    }
    if (!code) co_return true;
    auto problem = state_->failure(code);
    problem.value().sent = length > 0;
    co_return problem;
}

namespace {

Endpoint endpoint_of(std::string const& address, std::uint16_t port) {
    ErrorCode code;
    auto const parsed = asio::ip::make_address(address, code);
    return Endpoint(asio::ip::tcp::endpoint(parsed, port));
}

}  // namespace

struct Dialer::Steps {
    static asio::awaitable<NetResult<std::vector<Endpoint>>> find(
        Resolver& resolver, DialTarget const& target, Duration limit
    );
    static asio::awaitable<NetResult<bool>> connect(
        Connection::State& state, std::vector<Endpoint> endpoints
    );
    static asio::awaitable<NetResult<bool>> shake_hands(Connection::State& state);
};

asio::awaitable<NetResult<std::vector<Endpoint>>> Dialer::Steps::find(
    Resolver& resolver, DialTarget const& target, Duration limit
) {
    std::vector<Endpoint> endpoints;
    if (!target.unix_path.empty()) {
        if (target.unix_path.size() > unix_path_max) {
            co_return net_fail(NetFault::invalid, "the socket's path is too long");
        }
        endpoints.emplace_back(asio::local::stream_protocol::endpoint(target.unix_path));
        co_return endpoints;
    }
    auto const addresses = co_await resolver.resolve(target.host, limit);
    if (!addresses) {
        bool const cancelled = addresses.error().code == Errc::cancelled;
        if (cancelled) co_return stopped();
        co_return net_fail(NetFault::dns, to_string(addresses.error()));
    }
    for (auto const& address : *addresses) {
        bool const is_v6 = address.find(':') != std::string::npos;
        if (target.family != IpFamily::any && is_v6 != (target.family == IpFamily::v6)) continue;
        endpoints.push_back(endpoint_of(address, target.port));
    }
    if (endpoints.empty()) {
        auto const* const wanted = target.family == IpFamily::v6 ? "IPv6" : "IPv4";
        co_return net_fail(NetFault::dns, target.host + " has no " + wanted + " address");
    }
    co_return endpoints;
}

/// One address after the other, each with its share of what is left, so that a dead first address
/// does not hide a living second.
asio::awaitable<NetResult<bool>> Dialer::Steps::connect(
    Connection::State& state, std::vector<Endpoint> endpoints
) {
    Duration const whole = state.total;
    auto const until = SteadyClock::now() + whole;
    NetResult<bool> last = net_fail(NetFault::unreachable, "no address to connect to");
    for (std::size_t i = 0; i < endpoints.size(); ++i) {
        bool const told = co_await state.is_told_to_stop();
        if (told) co_return stopped();
        auto const share = (until - SteadyClock::now()) / static_cast<int>(endpoints.size() - i);
        if (endpoints.size() > 1) state.limit_to(share);
        auto const [code] = co_await state.socket.async_connect(endpoints[i], token);
        if (!code) {
            if (endpoints.size() > 1) state.limit_to(until - SteadyClock::now());
            state.total = whole;
            co_return true;
        }
        last = state.failure(code);
        if (last.error().fault == NetFault::cancelled) break;
        state.close();
    }
    co_return last;
}

asio::awaitable<NetResult<bool>> Dialer::Steps::shake_hands(Connection::State& state) {
    state.tls.emplace(state.socket, *state.context);
    auto const prepared = prepare_verification(state.tls->native_handle(), state.findings);
    if (!prepared) co_return net_fail(NetFault::invalid, to_string(prepared.error()));
    state.phase = "TLS handshake";
    bool const told = co_await state.is_told_to_stop();
    if (told) co_return stopped();
    auto const [code] = co_await state.tls->async_handshake(ssl::stream_base::client, token);
    if (!code) {
        state.peer = read_peer(state.tls->native_handle(), state.findings);
        co_return true;
    }
    auto const problems = describe(state.findings);
    if (!problems.empty()) co_return net_fail(NetFault::tls, problems.front());
    auto problem = state.failure(code);
    bool const ours =
        problem.value().fault == NetFault::timeout || problem.value().fault == NetFault::cancelled;
    if (ours) co_return problem;
    co_return net_fail(NetFault::tls, "handshake: " + state.peer_name + ": " + code.message());
}

Dialer::Dialer(asio::any_io_executor executor)
    : executor_(executor), resolver_(std::move(executor)) {}
Dialer::~Dialer() = default;

asio::awaitable<NetResult<Connection>> Dialer::dial(DialTarget target, Duration limit) {
    auto state = std::make_unique<Connection::State>(executor_);
    state->cleans_up = co_await is_cancelled();
    state->peer_name = target.unix_path.empty() ? target.host + ":" + std::to_string(target.port)
                                                : target.unix_path;
    if (target.tls) {
        auto context = contexts_.get(target.tls->ca_file);
        if (!context) co_return net_fail(NetFault::invalid, to_string(context.error()));
        state->context = std::move(*context);
        state->findings.enforce = target.tls->enforce;
        state->findings.name = target.tls->server_name;
        if (state->findings.name.empty()) state->findings.name = target.host;
    }
    auto endpoints = co_await Steps::find(resolver_, target, limit);
    if (!endpoints) co_return tl::unexpected<NetFailure>(std::move(endpoints.error()));
    state->timings.resolve = state->lap();
    state->total = limit;
    state->phase = "connection";
    state->limit_to(limit - state->timings.resolve);
    state->total = limit;
    auto connected = co_await Steps::connect(*state, std::move(*endpoints));
    if (!connected) co_return tl::unexpected<NetFailure>(std::move(connected.error()));
    state->timings.connect = state->lap();
    if (target.prologue) {
        state->phase = "greeting";
        Connection plain(std::move(state));
        auto const talked = co_await target.prologue(plain);
        state = std::move(plain.state_);
        if (!talked) co_return tl::unexpected<NetFailure>(talked.error());
        state->timings.connect += state->lap();
    }
    if (target.tls) {
        auto shaken = co_await Steps::shake_hands(*state);
        if (!shaken) co_return tl::unexpected<NetFailure>(std::move(shaken.error()));
        state->timings.tls = state->lap();
    }
    state->phase = "answer";
    co_return Connection(std::move(state));
}

}  // namespace rollbackd

// Connections as a client: TCP, TLS or a Unix socket behind one face, with one deadline for all
// they do. The Dialer makes them; a loop has one, shared by everybody who connects anywhere.
#pragma once

#include "core/io/http_client.hpp"
#include "core/io/resolver.hpp"

#include <functional>
#include <span>

namespace rollbackd {

class Connection;

/// Talks in the clear on a fresh connection, before the handshake where there is one.
using Prologue = std::function<boost::asio::awaitable<NetResult<bool>>(Connection&)>;

enum class IpFamily { any, v4, v6 };
BOOST_DESCRIBE_ENUM(IpFamily, any, v4, v6)

struct DialTarget {
    std::string host{};  // a name or a literal address, without brackets
    std::uint16_t port = 0;
    std::string unix_path{};  // instead of host and port
    std::optional<TlsOptions> tls{};
    IpFamily family = IpFamily::any;
    Prologue prologue{};  // none: nothing is said before the handshake
};

/// "example.com:443", "192.0.2.1:80", "[2001:db8::1]:443".
Result<DialTarget> parse_address(std::string_view address);

class Connection {
public:
    ~Connection();
    Connection(Connection&&) noexcept;

    /// Bytes read, 0 at an orderly end.
    boost::asio::awaitable<NetResult<std::size_t>> read_some(std::span<char> into);
    boost::asio::awaitable<NetResult<bool>> write(std::string_view bytes);
    /// A new limit from now on, for what follows; `phase` is named when it passes ("the answer").
    void expect(std::string phase);
    void extend(Duration limit);
    /// Nobody waits for it until extend() is called: meanwhile it may be idle for as long as it
    /// likes.
    void rest();

    HttpTimings const& timings() const;  // resolve, connect and tls
    std::optional<TlsPeer> const& peer() const;

private:
    friend class Dialer;
    struct State;
    explicit Connection(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

class Dialer {
public:
    explicit Dialer(boost::asio::any_io_executor executor);
    ~Dialer();
    Dialer(Dialer const&) = delete;
    Dialer& operator=(Dialer const&) = delete;

    /// Connects (and shakes hands) within `limit`, which goes on counting for the connection.
    boost::asio::awaitable<NetResult<Connection>> dial(DialTarget target, Duration limit);
    Resolver& resolver() { return resolver_; }
    /// Gives up lookups in progress. Before the executor's context is gone.
    void stop() { resolver_.stop(); }

private:
    struct Steps;
    boost::asio::any_io_executor executor_;
    Resolver resolver_;
    TlsContexts contexts_;
};

}  // namespace rollbackd

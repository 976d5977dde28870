// The HTTP server: sockets, TLS, limits and timeouts. What to answer is the Application's business;
// the server only reads requests within limits, asks, and writes. Everything runs on the loop
// thread.
#pragma once

#include "api/request.hpp"
#include "api/response.hpp"
#include "api/tls.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <memory>

namespace rollbackd::api {

/// Limits of the transport; each is shown by /v1/status.
struct ServerLimits {
    std::size_t connections_max = 256;       // over TCP; the oldest idle one makes room
    std::size_t local_connections_max = 64;  // over Unix sockets, so that admins get in
    std::size_t streams_max = 64;
    std::size_t small_body_bytes_max = 64 * 1024;  // not counted below
    std::size_t header_bytes_max = 16 * 1024;
    std::size_t buffered_bytes_max = std::size_t{64} << 20U;  // bodies of all connections together
    Duration header_timeout = std::chrono::seconds(10);
    Duration body_timeout = std::chrono::seconds(60);
    Duration write_timeout = std::chrono::seconds(30);
    Duration idle_timeout = std::chrono::seconds(75);
    Duration linger_max = std::chrono::seconds(2);  // reading on after a refused body
    Duration drain_max = std::chrono::seconds(5);   // at stop, for requests under way
};

struct ServerOptions {
    std::vector<std::string> listen;  // "127.0.0.1:8620", "[::1]:8620", "unix:/run/…/api.sock"
    std::optional<TlsPolicy> tls;     // of every TCP address
    ServerLimits limits;
};

/// What answers requests. Both are called on the loop thread.
class Application {
public:
    virtual ~Application() = default;
    /// Judges the head alone, before a body is read: who may, does the route exist, may the body be
    /// as large as it says. Fills in `request.actor` and the like.
    virtual Admission admit(Request& request) = 0;
    /// `request` lives until the awaitable is done.
    virtual boost::asio::awaitable<Response> handle(Request& request) = 0;
    /// The answer was sent, or could not be.
    virtual void finished(Request const& request, unsigned status, std::uint64_t bytes_out) = 0;
    virtual void surprised(std::string_view where, std::string_view what) = 0;
};

class Server {
public:
    /// Binds every address; an Error names the address and how to mend it. Nothing is accepted
    /// before start().
    static Result<std::unique_ptr<Server>> open(
        boost::asio::any_io_executor executor, ServerOptions options, Application& application
    );
    virtual ~Server() = default;

    virtual void start() = 0;
    /// Of connections to come; those that are there keep what they have. Nothing happens where it
    /// was opened without TLS.
    virtual void use(std::shared_ptr<TlsContext const> tls) = 0;
    /// Takes no new connection, ends streams and idle connections, gives requests under way
    /// drain_max to finish, then closes. Returns when the last connection is gone.
    virtual boost::asio::awaitable<void> stop() = 0;
    /// "127.0.0.1:34567" of each listener, with the ports the system chose.
    virtual std::vector<std::string> addresses() const = 0;
    virtual std::size_t connections() const = 0;
};

}  // namespace rollbackd::api

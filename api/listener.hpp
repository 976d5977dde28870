// One listening address: TCP or a Unix socket. Accepts, and says who is at the other end as far as
// the kernel knows. Used by the server alone; no HTTP here.
#pragma once

#include "api/request.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <memory>

namespace rollbackd::api {

using Socket = boost::asio::generic::stream_protocol::socket;

struct Accepted {
    Socket socket;
    Peer peer;
};

class Listener {
public:
    /// `address` is "127.0.0.1:8620", "[::1]:8620", "localhost:8620" or "unix:/path"; port 0 lets
    /// the system choose. The Error names the address and how to mend it.
    static Result<std::unique_ptr<Listener>> open(
        boost::asio::any_io_executor executor, std::string const& address
    );
    virtual ~Listener() = default;

    /// Errc::cancelled after close(); other errors pass (no descriptors, an aborted connection).
    virtual boost::asio::awaitable<Result<Accepted>> accept() = 0;
    virtual void close() = 0;
    virtual std::string address() const = 0;  // with the port in effect
    virtual bool is_local_socket() const = 0;
    virtual bool is_loopback() const = 0;  // true of a Unix socket too
};

}  // namespace rollbackd::api

// The API as the daemon uses it: routes, authentication and server in one object. The daemon
// implements Host, opens the Api, and tells it of each applied record.
#pragma once

#include "api/host.hpp"
#include "api/server.hpp"

namespace rollbackd::api {

class Api {
public:
    /// Binds every address of `options`; `host` must outlive the Api. Tokens are read from the
    /// engine's policy at each request, so a reload takes effect at once.
    static Result<std::unique_ptr<Api>> open(
        boost::asio::any_io_executor executor, ServerOptions options, Host& host
    );
    virtual ~Api() = default;

    virtual void start() = 0;
    /// The certificate of connections to come.
    virtual void use(std::shared_ptr<TlsContext const> tls) = 0;
    /// To be called after records were applied: wakes the streams of events.
    virtual void records_applied() = 0;
    /// Ends streams, lets requests under way finish (bounded), closes. Call before the Host goes.
    virtual boost::asio::awaitable<void> stop() = 0;
    virtual std::vector<std::string> addresses() const = 0;
    virtual std::size_t connections() const = 0;
};

}  // namespace rollbackd::api

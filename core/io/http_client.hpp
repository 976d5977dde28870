// One HTTP/1.1 request, on a connection of its own unless it is told to keep one: for probes,
// steps, webhooks and rollbackctl. Bounded in time and size whatever the peer does; every way to
// fail has its slug (net_failure.hpp).
#pragma once

#include "core/io/tls_context.hpp"

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>

namespace rollbackd {

class Dialer;
enum class IpFamily;

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

/// A connection that is kept from one request to the next, by whoever asks again and again.
class HttpKeeper;
std::shared_ptr<HttpKeeper> make_http_keeper();

struct HttpRequest {
    std::string url;  // http:// or https://
    std::string method = "GET";
    HttpHeaders headers;  // Host, Connection and Content-Length are set by the client
    std::string body;
    Duration timeout = std::chrono::seconds(5);  // for everything together, redirects included
    unsigned redirects_max = 0;                  // 0: a redirect is an answer like any other
    TlsOptions tls;
    std::size_t body_max = 64 * 1024;
    bool cut_body = false;      // a longer body is cut instead of being a failure
    bool discard_body = false;  // read and counted, not kept
    IpFamily family{};          // of the addresses to connect to
    /// "http://[user:password@]host:port": asked to fetch http, and to let https through (CONNECT).
    std::string proxy;
    std::string unix_path;  // connect to this socket; the URL only gives Host and target
    /// Given: the connection of the last request is used again where the peer kept it open, and a
    /// new one made where it has gone meanwhile. Only for what may be asked twice.
    std::shared_ptr<HttpKeeper> keeper;
    /// Given: the body is handed over piece by piece instead of kept, `timeout` covers only the
    /// head and `idle_max` each silence after it. Returning false ends the request with success.
    std::function<bool(std::string_view)> on_body;
    Duration idle_max = std::chrono::seconds(60);
};

struct HttpTimings {
    Duration resolve{};
    Duration connect{};
    Duration tls{};
    Duration first_byte{};  // from the request's last byte to the answer's first
    Duration total{};
};

struct HttpResponse {
    unsigned status = 0;
    HttpHeaders headers;
    std::string body;
    bool body_cut = false;
    HttpTimings timings;  // of the last hop; total: of all
    std::string url;      // where it came from in the end
    std::optional<TlsPeer> tls;

    /// The first header of that name, in any case; empty where absent.
    std::string_view header(std::string_view name) const;
};

/// One per loop; probes share it. `dialer` outlives it.
class HttpClient {
public:
    explicit HttpClient(Dialer& dialer) : dialer_(dialer) {}
    boost::asio::awaitable<NetResult<HttpResponse>> send(HttpRequest request);

    static constexpr std::size_t header_bytes_max = 32 * 1024;

private:
    Dialer& dialer_;
};

}  // namespace rollbackd

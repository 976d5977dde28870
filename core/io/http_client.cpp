#include "core/io/http_client.hpp"

#include "core/io/base64.hpp"
#include "core/io/http_parser.hpp"
#include "core/io/stream.hpp"
#include "core/io/url.hpp"

#include <algorithm>
#include <array>

namespace rollbackd {

namespace asio = boost::asio;
using SteadyClock = std::chrono::steady_clock;

class HttpKeeper {
public:
    /// The connection that was kept on this way, which is then the caller's.
    std::optional<Connection> take(std::string const& way) {
        if (way != way_) connection_.reset();
        return std::exchange(connection_, std::nullopt);
    }
    void put(std::string way, Connection connection) {
        way_ = std::move(way);
        connection_.emplace(std::move(connection));
    }

private:
    std::string way_;
    std::optional<Connection> connection_;
};

std::shared_ptr<HttpKeeper> make_http_keeper() { return std::make_shared<HttpKeeper>(); }

namespace {

constexpr std::size_t read_bytes = 4 * 1024;  // a thousand probes may wait at once

bool same_name(std::string_view a, std::string_view b) {
    auto const lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    auto const same = [&](char x, char y) { return lower(x) == lower(y); };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), same);
}

bool is_token(std::string_view text) {
    auto const bad = [](char c) {
        return c <= ' ' || c >= 127 || c == ':' || c == '"' || c == '/';
    };
    return !text.empty() && std::none_of(text.begin(), text.end(), bad);
}

bool is_one_line(std::string_view text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

/// Why the request cannot be sent as it is; empty: it can.
std::string problem_of(HttpRequest const& request) {
    auto const proxy = parse_url(request.proxy);
    if (!request.proxy.empty() && (!proxy || proxy->secure))
        return "not a proxy: expected http://HOST:PORT";
    if (!is_token(request.method)) return "not a method: " + request.method;
    for (auto const& [name, value] : request.headers) {
        if (!is_token(name)) return "not a header name: " + name;
        if (!is_one_line(value)) return "the value of header " + name + " has a line break";
    }
    return {};
}

bool is_ours(std::string_view name) {
    for (auto const* ours : {"Host", "Connection", "Content-Length", "Transfer-Encoding"}) {
        // A Host of the caller's own choice asks one virtual host at another's address.
        if (same_name(name, ours)) return !same_name(name, "Host");
    }
    return false;
}

/// A header line with the credentials that stand in the proxy's URL; empty: none do.
std::string proxy_authorization(std::string const& proxy) {
    auto const url = parse_url(proxy);
    if (!url || url->userinfo.empty()) return {};
    return "Proxy-Authorization: Basic " + base64(url->userinfo) + "\r\n";
}

/// Asks a proxy for a way to `authority`, through which TLS is spoken then.
struct Tunnel {
    std::string authority;
    std::string authorization;

    asio::awaitable<NetResult<bool>> operator()(Connection& connection) const;
};

std::string wire_form(HttpRequest const& request, Url const& url) {
    std::string out;
    out.reserve(256 + request.body.size());
    bool host = false, agent = false, accept = false, auth = false;
    out.append(request.method).append(" ");
    bool const by_proxy = !request.proxy.empty() && !url.secure;
    if (by_proxy) out.append("http://").append(url.authority);
    out.append(url.target).append(" HTTP/1.1\r\n");
    if (by_proxy) out.append(proxy_authorization(request.proxy));
    for (auto const& [name, value] : request.headers) {
        if (is_ours(name)) continue;
        host = host || same_name(name, "Host");
        agent = agent || same_name(name, "User-Agent");
        accept = accept || same_name(name, "Accept");
        auth = auth || same_name(name, "Authorization");
        out.append(name).append(": ").append(value).append("\r\n");
    }
    if (!host) out.append("Host: ").append(url.authority).append("\r\n");
    if (!agent) out.append("User-Agent: rollbackd/" ROLLBACKD_VERSION "\r\n");
    if (!accept) out.append("Accept: */*\r\n");
    if (!auth && !url.userinfo.empty()) {
        out.append("Authorization: Basic ").append(base64(url.userinfo)).append("\r\n");
    }
    bool const has_body = !request.body.empty() || request.method == "POST" ||
                          request.method == "PUT" || request.method == "PATCH";
    if (has_body) {
        out.append("Content-Length: ").append(std::to_string(request.body.size())).append("\r\n");
    }
    out.append(request.keeper ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n");
    return out.append(request.body);
}

DialTarget target_of(HttpRequest const& request, Url const& url) {
    DialTarget target;
    auto const proxy = parse_url(request.proxy);
    target.host = proxy ? proxy->host : url.host;
    target.port = proxy ? proxy->port : url.port;
    target.unix_path = request.unix_path;
    target.family = request.family;
    if (url.secure) target.tls = request.tls;
    if (!proxy || !url.secure) return target;
    if (target.tls->server_name.empty()) target.tls->server_name = url.host;
    auto const brackets = url.host.find(':') != std::string::npos;
    auto const host = brackets ? "[" + url.host + "]" : url.host;
    Tunnel tunnel;
    tunnel.authority = host + ":" + std::to_string(url.port);
    tunnel.authorization = proxy_authorization(request.proxy);
    target.prologue = std::move(tunnel);
    return target;
}

asio::awaitable<NetResult<bool>> Tunnel::operator()(Connection& connection) const {
    connection.expect("answer of the proxy");
    auto bytes = "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n";
    bytes += authorization + "\r\n";
    auto const written = co_await connection.write(bytes);
    if (!written) co_return written;
    std::string head;
    std::array<char, 1024> room;
    // Nobody speaks behind the head before we do.
    while (head.find("\r\n\r\n") == std::string::npos) {
        if (head.size() > HttpClient::header_bytes_max) {
            co_return net_fail(NetFault::too_large, "the head of the proxy's answer");
        }
        auto const length = co_await connection.read_some(room);
        if (!length) co_return tl::unexpected<NetFailure>(length.error());
        if (*length == 0)
            co_return net_fail(NetFault::closed, "the proxy closed without an answer");
        head.append(room.data(), *length);
    }
    constexpr std::size_t status_at = 9;  // behind "HTTP/1.1 "
    auto const status = head.substr(std::min(status_at, head.size()), 3);
    if (!head.starts_with("HTTP/1."))
        co_return net_fail(NetFault::garbage, "the proxy speaks no HTTP");
    if (status == "200") co_return true;
    bool const ours = status == "407" || status == "403";
    auto const fault = ours ? NetFault::invalid : NetFault::unreachable;
    co_return net_fail(fault, "the proxy answers " + status + " for " + authority);
}

/// What two requests must have in common to share a connection.
std::string way_of(HttpRequest const& request, Url const& url) {
    std::string way = url.secure ? "https " : "http ";
    for (auto const& part :
         {url.host, std::to_string(url.port), request.proxy, request.unix_path, request.tls.ca_file,
          request.tls.server_name, std::to_string(int(request.family))}) {
        way += part + "\n";
    }
    return way;
}

/// Reads until the response is whole. The request has been sent. True: the connection may be used
/// again.
asio::awaitable<NetResult<bool>> receive(
    Connection& connection, HttpRequest const& request, HttpResponse& response
) {
    auto const sent = SteadyClock::now();
    HttpParser parser(request, response, request.method == "HEAD");
    std::array<char, read_bytes> room;
    bool complete = false;
    while (!complete) {
        auto const length = co_await connection.read_some(room);
        if (!length) {
            auto failure = length.error();
            failure.sent = true;
            co_return tl::unexpected<NetFailure>(std::move(failure));
        }
        if (response.timings.first_byte == Duration::zero()) {
            response.timings.first_byte = SteadyClock::now() - sent;
        }
        bool const end = *length == 0;
        auto const fed = end ? parser.finish() : parser.feed({room.data(), *length});
        if (!fed) co_return tl::unexpected<NetFailure>(fed.error());
        complete = *fed;
        if (complete || !parser.has_head()) continue;
        connection.expect("end of the answer");
        if (request.on_body) connection.extend(request.idle_max);
    }
    co_return parser.may_ask_again();
}

/// Asks over a connection and keeps it where that may be.
asio::awaitable<NetResult<bool>> speak(
    Connection connection, HttpRequest const& request, Url const& url, HttpResponse& response
) {
    auto const bytes = wire_form(request, url);
    auto const written = co_await connection.write(bytes);
    // A server may answer and hang up without reading everything: what it said still counts.
    bool const readable = written || written.error().fault == NetFault::closed;
    if (!readable) co_return tl::unexpected<NetFailure>(written.error());
    auto const received = co_await receive(connection, request, response);
    if (!received) co_return received;
    response.tls = connection.peer();
    response.url = request.url;
    if (request.keeper && *received) {
        connection.rest();
        request.keeper->put(way_of(request, url), std::move(connection));
    }
    co_return true;
}

asio::awaitable<NetResult<HttpResponse>> exchange(
    Dialer& dialer, HttpRequest const& request, Duration limit
) {
    auto const url = parse_url(request.url);
    if (!url) co_return net_fail(NetFault::invalid, url.error().what);
    auto const begun = SteadyClock::now();
    HttpResponse response;
    auto kept = request.keeper ? request.keeper->take(way_of(request, *url)) : std::nullopt;
    if (kept) {
        kept->extend(limit);
        auto const asked = co_await speak(*std::move(kept), request, *url, response);
        if (asked) co_return response;
        // A server may close an idle connection at any time: that says nothing of its health.
        bool const gone = asked.error().fault == NetFault::closed && response.status == 0;
        if (!gone) co_return tl::unexpected<NetFailure>(asked.error());
        limit -= SteadyClock::now() - begun;
    }
    auto connection = co_await dialer.dial(target_of(request, *url), limit);
    if (!connection) co_return tl::unexpected<NetFailure>(std::move(connection.error()));
    response = {};
    response.timings = connection->timings();
    auto const asked = co_await speak(std::move(*connection), request, *url, response);
    if (!asked) co_return tl::unexpected<NetFailure>(asked.error());
    co_return response;
}

bool is_redirect(unsigned status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/// What a credential was meant for is one scheme, host and port.
bool same_origin(std::string const& a, std::string const& b) {
    auto const first = parse_url(a);
    auto const second = parse_url(b);
    return first && second && first->secure == second->secure && first->host == second->host &&
           first->port == second->port;
}

/// Turns `request` into the one that follows `response`; empty: done, else what is wrong.
std::string follow(HttpRequest& request, HttpResponse const& response) {
    auto const location = response.header("Location");
    if (location.empty()) return "a redirect without a Location";
    auto next = resolve_url(request.url, location);
    if (!next || !parse_url(*next)) return "a redirect to nowhere: " + std::string(location);
    if (!same_origin(request.url, *next)) {
        std::erase_if(request.headers, [](auto const& header) {
            return same_name(header.first, "Authorization") || same_name(header.first, "Cookie") ||
                   same_name(header.first, "Host");
        });
        request.tls.server_name.clear();
        request.unix_path.clear();
    }
    bool const to_get =
        response.status == 303 || (response.status < 303 && request.method == "POST");
    if (to_get && request.method != "HEAD") {
        request.method = "GET";
        request.body.clear();
    }
    request.url = std::move(*next);
    return {};
}

}  // namespace

std::string_view HttpResponse::header(std::string_view name) const {
    for (auto const& [key, value] : headers) {
        if (same_name(key, name)) return value;
    }
    return {};
}

asio::awaitable<NetResult<HttpResponse>> HttpClient::send(HttpRequest request) {
    auto const begun = SteadyClock::now();
    auto problem = problem_of(request);
    if (!problem.empty()) co_return net_fail(NetFault::invalid, std::move(problem));
    for (unsigned hop = 0;; ++hop) {
        Duration const spent = SteadyClock::now() - begun;
        Duration const left = hop == 0 ? request.timeout : request.timeout - spent;
        auto response = co_await exchange(dialer_, request, left);
        if (!response) co_return response;
        response->timings.total = SteadyClock::now() - begun;
        if (request.redirects_max == 0 || !is_redirect(response->status)) co_return response;
        if (hop == request.redirects_max) {
            auto text = "more than " + std::to_string(request.redirects_max) +
                        " redirects, at last to " + std::string(response->header("Location"));
            co_return net_fail(NetFault::redirects, std::move(text), true);
        }
        auto wrong = follow(request, *response);
        if (!wrong.empty()) co_return net_fail(NetFault::redirects, std::move(wrong), true);
    }
}

}  // namespace rollbackd

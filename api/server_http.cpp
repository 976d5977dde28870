// HTTP/1.1 on one connection: the only file that knows Beast. Every wait has a limit, every size a
// bound; what does not fit is answered with a problem and the connection ends.
#include "api/server_http.hpp"

#include "api/problem.hpp"
#include "api/tls_context.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>

namespace rollbackd::api {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

using Plain = beast::basic_stream<asio::generic::stream_protocol>;
using Tls = beast::ssl_stream<Plain&>;
using Buffer = beast::flat_buffer;
using Parser = http::request_parser<http::string_body>;

constexpr auto to_tuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t read_bytes = 2 * 1024;  // most requests; the buffer grows where needed
/// What one connection may hold unparsed: a head, or a piece of a body with how it is chunked.
constexpr std::size_t buffer_bytes_max = 128 * 1024;
constexpr std::size_t linger_bytes_max = std::size_t{256} << 20U;

/// Returns what a large body took from the common budget when the request is over.
class BodyBudget {
public:
    explicit BodyBudget(Shared& shared) : shared_(shared) {}
    ~BodyBudget() { shared_.buffered_bytes -= taken_; }
    BodyBudget(BodyBudget const&) = delete;
    BodyBudget& operator=(BodyBudget const&) = delete;

    bool take(std::size_t bytes) {
        if (bytes <= shared_.limits.small_body_bytes_max) return true;
        if (shared_.buffered_bytes + bytes > shared_.limits.buffered_bytes_max) return false;
        shared_.buffered_bytes += bytes;
        taken_ = bytes;
        return true;
    }

private:
    Shared& shared_;
    std::size_t taken_ = 0;
};

std::string lowered(std::string_view text) {
    std::string out(text);
    for (auto& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

/// The head as handlers know it, or what is wrong with it.
std::optional<Response> read_head(Parser const& parser, Peer const& peer, Request& request) {
    auto const& head = parser.get();
    request.peer = peer;
    request.method = head.method_string();
    request.head = request.method == "HEAD";
    if (request.head) request.method = "GET";
    for (auto const& field : head) {
        request.headers.emplace(lowered(field.name_string()), field.value());
    }
    request.id = request_id(request.header("x-request-id"));
    auto const hosts = request.headers.count("host");
    request.has_body = parser.chunked();
    if (auto const length = parser.content_length()) {
        request.content_length = *length;
        request.has_body = *length > 0;
    }
    if (auto const set = set_target(request, head.target()); !set)
        return refuse(400, set.error().what);
    if (head.version() != 10 && head.version() != 11) {
        return refuse(505, "HTTP/1.1 is spoken here");
    }
    if (hosts > 1 || (hosts == 0 && head.version() == 11)) {
        return refuse(400, "exactly one Host header is required");
    }
    // Anything but `chunked` alone would leave it open where the request ends, and what comes after
    // it would be taken for the next one.
    auto const coding = lowered(request.header("transfer-encoding"));
    if (request.has_header("transfer-encoding") && coding != "chunked") {
        return refuse(501, "only Transfer-Encoding: chunked is known");
    }
    if (request.has_header("transfer-encoding") && head.version() == 10) {
        return refuse(400, "HTTP/1.0 knows no Transfer-Encoding");
    }
    auto const expect = lowered(request.header("expect"));
    if (!expect.empty() && expect != "100-continue") {
        return refuse(417, "only Expect: 100-continue is known");
    }
    return std::nullopt;
}

/// What the parser's refusal means to the client; nothing where there is nobody left to tell.
std::optional<Response> refusal_for(error_code const& code) {
    if (code == http::error::header_limit || code == http::error::buffer_overflow) {
        return refuse(431, "the request's head is too large");
    }
    if (code == http::error::body_limit) return refuse(413, "the body is too large");
    bool const malformed = code.category() == make_error_code(http::error::bad_method).category();
    if (malformed && code != http::error::end_of_stream && code != http::error::partial_message) {
        return refuse(400, "this is not HTTP: " + code.message());
    }
    return std::nullopt;
}

template <class S>
class Session {
public:
    Session(Shared& shared, Connection& connection, S& stream, Plain& plain)
        : shared_(shared), connection_(connection), stream_(stream), plain_(plain) {}

    asio::awaitable<void> run() {
        while (co_await wait_for_request()) {
            bool const goes_on = co_await one_request();
            if (!goes_on) break;
        }
    }

private:
    /// Waits, longer than for a request begun, until there is a first byte.
    asio::awaitable<bool> wait_for_request() {
        connection_.phase = Phase::idle;
        if (shared_.stopping) co_return false;
        if (buffer_.size() == 0) {
            buffer_.shrink_to_fit();  // an idle connection keeps no large body's memory
            plain_.expires_after(shared_.limits.idle_timeout);
            auto const [code, bytes] =
                co_await stream_.async_read_some(buffer_.prepare(read_bytes), to_tuple);
            if (code || shared_.stopping) co_return false;
            buffer_.commit(bytes);
        }
        connection_.phase = Phase::reading;
        co_return true;
    }

    /// Whether the connection goes on afterwards.
    asio::awaitable<bool> one_request() {
        Parser parser;
        parser.header_limit(static_cast<std::uint32_t>(shared_.limits.header_bytes_max));
        parser.body_limit(boost::none);  // the admission decides, once the head is known
        plain_.expires_after(shared_.limits.header_timeout);
        auto const [code, bytes] =
            co_await http::async_read_header(stream_, buffer_, parser, to_tuple);
        (void)bytes;
        Request request;
        if (code) {
            request.id = request_id({});
            auto refusal = refusal_for(code);
            if (refusal) co_await refuse_and_end(request, *std::move(refusal));
            co_return false;
        }
        auto refusal = read_head(parser, connection_.peer, request);
        BodyBudget budget(shared_);
        if (!refusal) refusal = admit(parser, request, budget);
        if (!refusal) {
            refusal = co_await read_body(parser, request);
            if (dead_) co_return false;
        }
        if (refusal) {
            co_await refuse_and_end(request, *std::move(refusal));
            co_return false;
        }
        bool const keep = parser.get().keep_alive();
        request.body = std::move(parser.get().body());
        co_return co_await answer_request(request, keep, parser.get().version());
    }

    std::optional<Response> admit(Parser& parser, Request& request, BodyBudget& budget) {
        auto admission = shared_.application.admit(request);
        if (admission.refusal) return std::move(admission.refusal);
        auto const limit = admission.body_bytes_max;
        if (request.content_length.value_or(0) > limit) {
            return refuse(413, "the body may have at most " + std::to_string(limit) + " bytes");
        }
        parser.body_limit(limit);
        auto const expected = parser.chunked() ? limit : request.content_length.value_or(0);
        if (budget.take(expected)) return std::nullopt;
        return refuse(503, "too many large bodies at once");
    }

    asio::awaitable<std::optional<Response>> read_body(Parser& parser, Request const& request) {
        if (parser.is_done()) co_return std::nullopt;
        plain_.expires_after(shared_.limits.body_timeout);
        if (request.has_header("expect")) {
            static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
            auto const [code, bytes] =
                co_await asio::async_write(stream_, asio::buffer(go_on), to_tuple);
            (void)bytes;
            dead_ = bool(code);
            if (dead_) co_return std::nullopt;
        }
        auto const [code, bytes] = co_await http::async_read(stream_, buffer_, parser, to_tuple);
        (void)bytes;
        if (!code) co_return std::nullopt;
        auto refusal = refusal_for(code);
        dead_ = !refusal.has_value();
        co_return refusal;
    }

    asio::awaitable<bool> answer_request(Request& request, bool keep, unsigned version) {
        connection_.phase = Phase::handling;
        plain_.expires_never();
        auto response = co_await shared_.application.handle(request);
        if (response.stream) {
            co_await send_stream(request, response, version);
            co_return false;
        }
        keep = keep && !shared_.stopping;
        bool const sent = co_await send(request, response, keep, version);
        if (!keep) co_await end_politely(std::chrono::milliseconds(200));
        co_return sent&& keep;
    }

    asio::awaitable<void> refuse_and_end(Request const& request, Response refusal) {
        finish_problem(refusal, request);
        bool const sent = co_await send(request, refusal, false, 11);
        if (sent) co_await end_politely(shared_.limits.linger_max);
    }

    template <class Body>
    void set_head(
        http::response<Body>& message, Request const& request, Response const& response, bool keep,
        unsigned version
    ) {
        message.version(version);
        message.result(response.status);
        message.reason(title_of(response.status));
        for (auto const& [name, value] : response.headers) message.set(name, value);
        if (!response.content_type.empty()) {
            message.set(http::field::content_type, response.content_type);
        }
        message.set("X-Request-Id", request.id);
        message.set("X-Content-Type-Options", "nosniff");
        bool const cached = message.find(http::field::cache_control) != message.end();
        if (!cached) message.set(http::field::cache_control, "no-store");
        message.keep_alive(keep);
    }

    asio::awaitable<bool> send(
        Request const& request, Response& response, bool keep, unsigned version
    ) {
        auto const bytes_out = response.body.size();
        http::response<http::string_body> message;
        set_head(message, request, response, keep, version);
        bool const bodiless = response.status == 204 || response.status == 304;
        if (!bodiless) message.content_length(bytes_out);
        if (!request.head) message.body() = std::move(response.body);
        plain_.expires_after(shared_.limits.write_timeout);
        http::response_serializer<http::string_body> serializer(message);
        bool const sent = co_await write(serializer, request.head);
        shared_.application.finished(request, response.status, bytes_out);
        co_return sent;
    }

    template <class Serializer>
    asio::awaitable<bool> write(Serializer& serializer, bool head_only) {
        if (head_only) {
            auto const [code, bytes] =
                co_await http::async_write_header(stream_, serializer, to_tuple);
            (void)bytes;
            co_return !code;
        }
        auto const [code, bytes] = co_await http::async_write(stream_, serializer, to_tuple);
        (void)bytes;
        co_return !code;
    }

    asio::awaitable<void> send_stream(
        Request const& request, Response& response, unsigned version
    ) {
        if (shared_.streams >= shared_.limits.streams_max) {
            co_await refuse_and_end(request, refuse(503, "too many streams: close one"));
            co_return;
        }
        struct Counted {
            Shared& shared;
            Connection& connection;
            ~Counted() {
                --shared.streams;
                connection.stream = nullptr;
            }
        };
        ++shared_.streams;
        Counted const counted{shared_, connection_};
        connection_.stream = response.stream.get();
        connection_.phase = Phase::streaming;
        bool const chunked = version == 11;
        http::response<http::empty_body> message;
        set_head(message, request, response, false, version);
        message.chunked(chunked);
        http::response_serializer<http::empty_body> serializer(message);
        plain_.expires_after(shared_.limits.write_timeout);
        bool const begun = co_await write(serializer, true);
        if (begun && !request.head) co_await send_chunks(*response.stream, chunked);
        shared_.application.finished(request, response.status, 0);
    }

    asio::awaitable<void> send_chunks(Stream& source, bool chunked) {
        while (true) {
            plain_.expires_never();
            auto const chunk = co_await source.next();
            plain_.expires_after(shared_.limits.write_timeout);
            if (!chunk) break;
            bool const sent = co_await send_chunk(*chunk, chunked);
            if (!sent) co_return;
        }
        if (chunked) co_await asio::async_write(stream_, http::make_chunk_last(), to_tuple);
        co_await end_politely(std::chrono::milliseconds(200));
    }

    asio::awaitable<bool> send_chunk(std::string const& chunk, bool chunked) {
        auto const bytes = asio::buffer(chunk);
        if (chunked) {
            auto const [code, sent] =
                co_await asio::async_write(stream_, http::make_chunk(bytes), to_tuple);
            (void)sent;
            co_return !code;
        }
        auto const [code, sent] = co_await asio::async_write(stream_, bytes, to_tuple);
        (void)sent;
        co_return !code;
    }

    /// A client that is still sending would lose the answer if we just closed: its bytes are read
    /// and forgotten for a while, without keeping any.
    asio::awaitable<void> end_politely(Duration limit) {
        error_code ignored;
        if constexpr (!std::is_same_v<S, Plain>) {
            plain_.expires_after(limit);
            SSL_set_shutdown(stream_.native_handle(), SSL_RECEIVED_SHUTDOWN);
            (void)co_await stream_.async_shutdown(to_tuple);
        }
        plain_.socket().shutdown(asio::socket_base::shutdown_send, ignored);
        std::string waste(64 * 1024, '\0');
        plain_.expires_after(limit);
        for (std::size_t total = 0; total < linger_bytes_max;) {
            auto const [code, bytes] =
                co_await plain_.async_read_some(asio::buffer(waste), to_tuple);
            if (code) co_return;
            total += bytes;
        }
    }

    Shared& shared_;
    Connection& connection_;
    S& stream_;
    Plain& plain_;
    Buffer buffer_{buffer_bytes_max};
    bool dead_ = false;
};

}  // namespace

asio::awaitable<void> serve_connection(
    Shared& shared, Connection& connection, Socket socket, bool with_tls
) {
    Plain plain(std::move(socket));
    // Whoever drops the connection must not keep the stream alive, nor outlive it.
    struct Detach {
        Connection& connection;
        ~Detach() { connection.drop = {}; }
    };
    Detach const detach{connection};
    connection.drop = [&plain] { plain.close(); };
    if (!with_tls) {
        Session<Plain> session(shared, connection, plain, plain);
        co_await session.run();
        co_return;
    }
    auto const tls = shared.tls;  // another one may take its place meanwhile
    Tls stream(plain, tls->context);
    plain.expires_after(shared.limits.header_timeout);
    auto const [code] = co_await stream.async_handshake(asio::ssl::stream_base::server, to_tuple);
    if (code) co_return;
    connection.peer.certificate = client_certificate(stream.native_handle());
    Session<Tls> session(shared, connection, stream, plain);
    co_await session.run();
}

}  // namespace rollbackd::api

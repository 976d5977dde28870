#include "core/io/http_parser.hpp"

#include "core/names.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

namespace rollbackd {

namespace http = boost::beast::http;
using ErrorCode = boost::system::error_code;
using Text = boost::beast::string_view;

namespace {

constexpr std::size_t quote_max = 40;  // of a garbage answer, for people
constexpr std::size_t headers_max = 128;
/// An interim answer (100, 103) is followed by the real one; more than this is a game.
constexpr unsigned interim_max = 8;

std::string_view to_std(Text text) { return {text.data(), text.size()}; }

/// Beast's state machine with the response itself as its only storage.
class Machine final : public http::basic_parser<false> {
public:
    Machine(HttpRequest const& request, HttpResponse& response)
        : request_(request), response_(response) {
        eager(true);
        header_limit(HttpClient::header_bytes_max);
        body_limit(boost::none);  // counted here: a cut body is no error
    }

    bool stopped() const { return stopped_; }
    bool overflowed() const { return overflowed_; }

private:
    void on_request_impl(http::verb, Text, Text, int, ErrorCode&) override {}
    void on_response_impl(int code, Text, int, ErrorCode&) override {
        response_.status = static_cast<unsigned>(code);
    }
    void on_field_impl(http::field, Text name, Text value, ErrorCode& code) override {
        auto& headers = response_.headers;
        if (headers.size() >= headers_max) code = http::error::header_limit;
        headers.emplace_back(std::string(to_std(name)), std::string(to_std(value)));
    }
    void on_header_impl(ErrorCode&) override {}
    void on_body_init_impl(boost::optional<std::uint64_t> const&, ErrorCode&) override {}
    std::size_t on_body_impl(Text body, ErrorCode& code) override { return take(body, code); }
    void on_chunk_header_impl(std::uint64_t, Text, ErrorCode&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, Text body, ErrorCode& code) override {
        return take(body, code);
    }
    void on_finish_impl(ErrorCode&) override {}

    std::size_t take(Text body, ErrorCode& code) {
        auto piece = to_std(body);
        if (request_.on_body) {
            stopped_ = !request_.on_body(piece);
        } else {
            if (size_ + piece.size() > request_.body_max) {
                response_.body_cut = true;
                stopped_ = request_.cut_body;
                overflowed_ = !request_.cut_body;
                piece = piece.substr(0, request_.body_max - size_);
            }
            size_ += piece.size();
            if (!request_.discard_body) response_.body.append(piece);
        }
        if (stopped_ || overflowed_) code = http::error::body_limit;
        return body.size();
    }

    HttpRequest const& request_;
    HttpResponse& response_;
    std::size_t size_ = 0;
    bool stopped_ = false;     // enough has been read
    bool overflowed_ = false;  // more than allowed came
};

}  // namespace

struct HttpParser::State {
    HttpRequest const& request;
    HttpResponse& response;
    bool to_head;
    std::optional<Machine> machine{};
    std::string rest{};  // bytes seen but not yet consumed
    unsigned interim = 0;

    void start() {
        response.status = 0;
        response.headers.clear();
        machine.emplace(request, response);
        machine->skip(to_head);
    }
    NetResult<bool> judge(ErrorCode const& code) const;
    bool is_interim() const {
        return machine->is_done() && response.status < 200 && response.status != 101;
    }
};

NetResult<bool> HttpParser::State::judge(ErrorCode const& code) const {
    if (machine->stopped()) return true;
    if (machine->overflowed()) {
        auto const limit = std::to_string(request.body_max);
        return net_fail(NetFault::too_large, "the body is larger than " + limit + " bytes", true);
    }
    if (code == http::error::header_limit) {
        return net_fail(NetFault::too_large, "the header is larger than allowed", true);
    }
    if (code == http::error::partial_message || code == http::error::end_of_stream) {
        char const* const what = machine->is_header_done() ? "closed in the middle of the body"
                                                           : "closed without an answer";
        return net_fail(NetFault::closed, what, true);
    }
    auto what = "not an HTTP answer (" + code.message() + "), it begins with \"" +
                printable(rest, quote_max) + "\"";
    return net_fail(NetFault::garbage, std::move(what), true);
}

HttpParser::HttpParser(HttpRequest const& request, HttpResponse& response, bool to_head)
    : state_(std::make_unique<State>(State{request, response, to_head})) {
    state_->start();
}

HttpParser::~HttpParser() = default;

bool HttpParser::has_head() const { return state_->machine->is_header_done(); }

bool HttpParser::may_ask_again() const {
    auto const& machine = *state_->machine;
    return machine.is_done() && machine.keep_alive() && state_->rest.empty();
}

NetResult<bool> HttpParser::feed(std::string_view bytes) {
    auto& rest = state_->rest;
    rest.append(bytes);
    while (true) {
        ErrorCode code;
        auto& machine = *state_->machine;
        auto const used = machine.put(boost::asio::buffer(rest), code);
        if (code && code != http::error::need_more) return state_->judge(code);
        rest.erase(0, used);
        if (state_->is_interim()) {
            if (++state_->interim > interim_max) {
                return net_fail(NetFault::garbage, "nothing but interim answers", true);
            }
            state_->start();
            if (rest.empty()) return false;
            continue;
        }
        return machine.is_done();
    }
}

NetResult<bool> HttpParser::finish() {
    ErrorCode code;
    if (state_->response.status == 0 && !state_->rest.empty()) {
        return state_->judge(http::error::bad_version);
    }
    if (!has_head()) return state_->judge(http::error::end_of_stream);
    state_->machine->put_eof(code);
    if (code) return state_->judge(code);
    return true;
}

}  // namespace rollbackd

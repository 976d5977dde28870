// tcp: whether something accepts a connection. A state signal; its latency is the connect's.
#include "core/io/secrets.hpp"
#include "core/io/stream.hpp"
#include "triggers/probes/answers.hpp"
#include "triggers/probes/expressions.hpp"
#include "triggers/probes/types.hpp"

#include <array>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

TypeInfo tcp_info() {
    TypeInfo info;
    info.name = "tcp";
    info.doc =
        "Opens a TCP connection, listens to what the server says where that is expected, and "
        "closes it.";
    info.kind = "state";
    info.is_probe = true;
    info.fields = {
        {.name = "address",
         .type = FieldType::text,
         .doc = "HOST:PORT, [IPv6]:PORT, or unix:PATH.",
         .required = true},
        {.name = "send",
         .type = FieldType::text,
         .doc = "Sent after connecting; \\r and \\n are line ends. ${ENV} is filled in when asked."
        },
        {.name = "expect",
         .type = FieldType::text,
         .doc = "RE2 expression that must be found in the first 4096 bytes the server says."},
    };
    return info;
}

constexpr std::string_view unix_prefix = "unix:";

Result<DialTarget> target_of(JsonObject const& params) {
    auto const address = text_of(Json(params), "address");
    if (!address.starts_with(unix_prefix)) return parse_address(address);
    DialTarget target;
    target.unix_path = address.substr(unix_prefix.size());
    if (!target.unix_path.starts_with('/')) {
        return fail(Errc::invalid, "unix: needs an absolute path", address);
    }
    return target;
}

std::vector<Error> check_tcp(JsonObject const& params) {
    auto const target = target_of(params);
    if (!target) return {Error{Errc::invalid, target.error().what, "address"}};
    auto const expression = expression_of(Json(params), "expect");
    if (!expression) return {expression.error()};
    return {};
}

/// Line ends as they are written in a policy.
std::string with_line_ends(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char const next = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
        if (next == 'r' || next == 'n') {
            out += next == 'r' ? '\r' : '\n';
            ++i;
        } else {
            out += text[i];
        }
    }
    return out;
}

class TcpProbe final : public Probe {
public:
    TcpProbe(DialTarget target, SignalPolicy const& signal, ProbeContext const& context)
        : target_(std::move(target)),
          send_(text_of(Json(signal.params), "send")),
          expect_text_(text_of(Json(signal.params), "expect")),
          context_(context) {
        if (auto made = expression_of(Json(signal.params), "expect")) expect_ = *std::move(made);
    }

    asio::awaitable<ProbeAnswer> ask(Duration timeout) override {
        auto const filled = context_.secrets.expand(send_);
        if (!filled) co_return unknown_answer(to_string(filled.error()));
        auto connection = co_await context_.dialer.dial(target_, timeout);
        if (!connection) co_return failed(connection.error());
        auto const& timings = connection->timings();
        auto const latency = timings.resolve + timings.connect;
        if (!filled->empty()) {
            auto const bytes = with_line_ends(*filled);
            auto const written = co_await connection->write(bytes);
            if (!written) co_return failed(written.error());
        }
        if (expect_ == nullptr) co_return good_answer({}, latency);
        co_return co_await listen(*connection, latency);
    }

private:
    asio::awaitable<ProbeAnswer> listen(Connection& connection, Duration latency) {
        connection.expect("greeting");
        std::string heard;
        std::array<char, 1024> room;
        while (heard.size() < greeting_bytes_max) {
            auto const length = co_await connection.read_some(room);
            if (!length && heard.empty()) co_return failed(length.error());
            if (!length || *length == 0) break;
            heard.append(room.data(), *length);
            if (found_in(expect_, heard)) co_return good_answer({}, latency);
        }
        auto const reason = heard.empty() ? "closed: nothing was said"
                                          : "content: \"" + printable_line(heard, shown_max) +
                                                "\" is not " + expect_text_;
        co_return failed_answer(context_.secrets.redact(reason));
    }

    ProbeAnswer failed(NetFailure const& failure) const {
        auto const reason = context_.secrets.redact(failure.reason());
        return is_our_own(failure.fault) ? unknown_answer(reason) : failed_answer(reason);
    }

    static constexpr std::size_t greeting_bytes_max = 4096;
    static constexpr std::size_t shown_max = 60;
    DialTarget target_;
    std::string send_;
    std::string expect_text_;
    Expression expect_;
    ProbeContext context_;
};

std::unique_ptr<Probe> make_tcp(SignalPolicy const& signal, ProbeContext const& context) {
    return std::make_unique<TcpProbe>(*target_of(signal.params), signal, context);
}

}  // namespace

ProbeType tcp_probe() { return ProbeType{tcp_info(), &check_tcp, &make_tcp}; }

}  // namespace rollbackd

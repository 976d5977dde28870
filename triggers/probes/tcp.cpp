// tcp: whether something accepts a connection. A state signal; its latency is the connect's.
#include "core/io/stream.hpp"
#include "triggers/probes/types.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

TypeInfo tcp_info() {
    TypeInfo info;
    info.name = "tcp";
    info.doc = "Opens a TCP connection and closes it again.";
    info.kind = "state";
    info.is_probe = true;
    info.fields = {
        {.name = "address",
         .type = FieldType::text,
         .doc = "HOST:PORT, [IPv6]:PORT, or unix:PATH.",
         .required = true},
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
    if (target) return {};
    return {Error{Errc::invalid, target.error().what, "address"}};
}

class TcpProbe final : public Probe {
public:
    TcpProbe(DialTarget target, Dialer& dialer) : target_(std::move(target)), dialer_(dialer) {}

    asio::awaitable<ProbeAnswer> ask(Duration timeout) override {
        auto const connection = co_await dialer_.dial(target_, timeout);
        ProbeAnswer answer;
        if (connection) {
            auto const& timings = connection->timings();
            answer.value = StateValue{true, {}, timings.resolve + timings.connect};
        } else if (is_our_own(connection.error().fault)) {
            answer.note = connection.error().reason();
        } else {
            answer.value = StateValue{false, connection.error().reason(), {}};
        }
        co_return answer;
    }

private:
    DialTarget target_;
    Dialer& dialer_;
};

std::unique_ptr<Probe> make_tcp(SignalPolicy const& signal, ProbeContext const& context) {
    return std::make_unique<TcpProbe>(*target_of(signal.params), context.dialer);
}

}  // namespace

ProbeType tcp_probe() { return ProbeType{tcp_info(), &check_tcp, &make_tcp}; }

}  // namespace rollbackd

// icmp: whether a machine answers an echo. A state with the time it took. Where the system does not
// permit asking, nothing is known.
#include "core/io/clock.hpp"
#include "core/io/ping.hpp"
#include "core/io/stream.hpp"
#include "triggers/probes/answers.hpp"
#include "triggers/probes/types.hpp"

#include <algorithm>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

TypeInfo icmp_info() {
    TypeInfo info;
    info.name = "icmp";
    info.doc =
        "Sends an ICMP echo, as ping does, and waits for the answer; needs CAP_NET_RAW, or a group "
        "that net.ipv4.ping_group_range holds.";
    info.kind = "state";
    info.is_probe = true;
    info.fields = {
        {.name = "host", .type = FieldType::text, .doc = "A name or an address.", .required = true},
        {.name = "ip",
         .type = FieldType::choice,
         .doc = "Which of the name's addresses is asked: the first of that family.",
         .otherwise = "any",
         .choices = {"any", "v4", "v6"}},
    };
    return info;
}

std::vector<Error> check_icmp(JsonObject const& params) {
    auto const host = text_of(Json(params), "host");
    bool const wrong = host.empty() || host.find_first_of("/@ []") != std::string::npos;
    if (!wrong) return {};
    return {wrong_field("expected a name or an address, without a port", "host")};
}

class IcmpProbe final : public Probe {
public:
    IcmpProbe(SignalPolicy const& signal, ProbeContext const& context)
        : host_(text_of(Json(signal.params), "host")),
          family_(enum_from<IpFamily>(text_of(Json(signal.params), "ip")).value_or(IpFamily::any)),
          context_(context) {}

    asio::awaitable<ProbeAnswer> ask(Duration timeout) override {
        auto const begun = context_.clock.now();
        auto const found = co_await context_.dialer.resolver().resolve(host_, timeout);
        if (!found) {
            if (found.error().code == Errc::cancelled) co_return unknown_answer("cancelled");
            co_return failed_answer("dns: " + to_string(found.error()));
        }
        auto const address = chosen(*found);
        if (address.empty()) {
            co_return failed_answer("dns: " + host_ + " has no address of that family");
        }
        Duration const spent = context_.clock.now().boot - begun.boot;
        auto const left = std::max<Duration>(timeout - spent, std::chrono::milliseconds(1));
        auto const took = co_await ping(address, left);
        if (took) co_return good_answer({}, *took);
        auto const& failure = took.error();
        if (!is_our_own(failure.fault)) co_return failed_answer(failure.reason());
        // "denied: …" is its own slug.
        bool const denied = failure.text.starts_with("denied: ");
        co_return unknown_answer(denied ? failure.text : failure.reason());
    }

private:
    std::string chosen(std::vector<std::string> const& addresses) const {
        for (auto const& address : addresses) {
            bool const v6 = address.find(':') != std::string::npos;
            if (family_ == IpFamily::any || v6 == (family_ == IpFamily::v6)) return address;
        }
        return {};
    }

    std::string host_;
    IpFamily family_;
    ProbeContext context_;
};

std::unique_ptr<Probe> make_icmp(SignalPolicy const& signal, ProbeContext const& context) {
    return std::make_unique<IcmpProbe>(signal, context);
}

}  // namespace

ProbeType icmp_probe() { return ProbeType{icmp_info(), &check_icmp, &make_icmp}; }

}  // namespace rollbackd

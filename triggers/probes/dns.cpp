// dns: one question to one name server, by UDP, past every cache of ours. A state: the name has the
// records it should have; or a gauge of how many there are, or how long they live.
#include "core/io/blocking.hpp"
#include "core/io/clock.hpp"
#include "core/io/file.hpp"
#include "core/io/stream.hpp"
#include "core/io/udp.hpp"
#include "triggers/probes/answers.hpp"
#include "triggers/probes/dns_answer.hpp"
#include "triggers/probes/types.hpp"

#include <algorithm>
#include <random>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

constexpr std::uint16_t dns_port = 53;
constexpr char const* system_servers = "/etc/resolv.conf";

TypeInfo dns_info() {
    TypeInfo info;
    info.name = "dns";
    info.doc =
        "Asks a name server for a name's records: a state, failed where there are none or others "
        "than expected; or a gauge.";
    info.is_probe = true;
    info.fields = {
        {.name = "name", .type = FieldType::text, .doc = "The name.", .required = true},
        {.name = "type",
         .type = FieldType::choice,
         .doc = "Which records.",
         .otherwise = "A",
         .choices = {"A", "AAAA", "CNAME", "MX", "NS", "TXT"}},
        {.name = "server",
         .type = FieldType::text,
         .doc = "Address of the name server, with or without a port; absent: the first of "
                "/etc/resolv.conf."},
        {.name = "expect",
         .type = FieldType::text_list,
         .doc = "Exactly these values, in any order: 192.0.2.1, \"10 mail.example.com\"."},
        {.name = "measure",
         .type = FieldType::choice,
         .doc = "A gauge: how many records there are (0 where the name or the type has none), or "
                "the least time to live in seconds.",
         .choices = {"records", "ttl"}},
    };
    return info;
}

std::optional<SignalNature> dns_nature(JsonObject const& params) {
    return SignalNature{is_measured(params) ? "gauge" : "state", true};
}

DnsType type_of(JsonObject const& params) {
    auto const name = text_of(Json(params), "type", "A");
    if (name == "AAAA") return DnsType::AAAA;
    if (name == "CNAME") return DnsType::CNAME;
    if (name == "MX") return DnsType::MX;
    if (name == "NS") return DnsType::NS;
    return name == "TXT" ? DnsType::TXT : DnsType::A;
}

/// "192.0.2.53", "192.0.2.53:5353", "2001:db8::53", "[2001:db8::53]:5353".
Result<UdpPeer> server_of(std::string const& text) {
    if (is_ip_address(text)) return UdpPeer{text, dns_port};
    auto const target = parse_address(text);
    if (target && is_ip_address(target->host)) return UdpPeer{target->host, target->port};
    return fail(
        Errc::invalid, "expected an address like 192.0.2.53 or [2001:db8::53]:53", "server"
    );
}

Result<UdpPeer> system_server() {
    constexpr std::size_t file_bytes_max = 64 * 1024;
    auto const text = read_file(system_servers, file_bytes_max);
    if (!text) return tl::unexpected<Error>(text.error());
    std::string_view rest = *text;
    while (!rest.empty()) {
        auto const line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        constexpr std::string_view word = "nameserver";
        if (!line.starts_with(word)) continue;
        auto const from = line.find_first_not_of(" \t", word.size());
        if (from == std::string_view::npos) continue;
        auto const to = line.find_first_of(" \t\r#", from);
        return server_of(std::string(line.substr(from, to - from)));
    }
    return fail(Errc::not_found, "no name server stands in it", system_servers);
}

std::vector<Error> check_dns(JsonObject const& params) {
    std::vector<Error> problems;
    auto const server = text_of(Json(params), "server");
    auto const peer = server_of(server);
    if (!server.empty() && !peer) problems.push_back(peer.error());
    auto const question = dns_question(text_of(Json(params), "name"), type_of(params), 0);
    if (!question) problems.push_back(wrong_field(question.error().what, "name"));
    if (params.contains("expect") && params.contains("measure")) {
        problems.push_back(
            wrong_field("a gauge expects nothing: compare value() in the trigger", "expect")
        );
    }
    return problems;
}

std::string joined(std::vector<std::string> const& values) {
    std::string out;
    for (auto const& value : values) out += (out.empty() ? "" : ", ") + value;
    return out.empty() ? "nothing" : out;
}

class DnsProbe final : public Probe {
public:
    DnsProbe(SignalPolicy const& signal, ProbeContext const& context)
        : name_(text_of(Json(signal.params), "name")),
          type_(type_of(signal.params)),
          server_(text_of(Json(signal.params), "server")),
          measure_(text_of(Json(signal.params), "measure")),
          context_(context) {
        auto const* const expect = signal.params.if_contains("expect");
        if (expect == nullptr || !expect->is_array()) return;
        for (auto const& value : expect->get_array()) {
            auto text = value.is_string() ? std::string(value.get_string()) : to_text(value);
            if (text.ends_with('.')) text.pop_back();
            expect_.push_back(std::move(text));
        }
        std::sort(expect_.begin(), expect_.end());
    }

    asio::awaitable<ProbeAnswer> ask(Duration timeout) override {
        auto const begun = context_.clock.now();
        auto const peer = server_.empty() ? system_server() : server_of(server_);
        if (!peer) co_return unknown_answer("cannot_look: " + to_string(peer.error()));
        auto const id = static_cast<std::uint16_t>(random_() & 0xffffU);
        auto const question = dns_question(name_, type_, id);
        if (!question) co_return unknown_answer(question.error().what);
        auto const answer = co_await ask_udp(*peer, *question, 2, timeout);
        if (!answer) co_return failed(answer.error());
        auto const read = read_dns_answer(*answer, type_);
        co_return judged(read, context_.clock.now().boot - begun.boot);
    }

private:
    /// A server that does not answer has failed as the system's way to names; a number is unknown.
    ProbeAnswer failed(NetFailure const& failure) const {
        bool const unknown = !measure_.empty() || is_our_own(failure.fault);
        return unknown ? unknown_answer(failure.reason()) : failed_answer(failure.reason());
    }

    ProbeAnswer judged(Result<DnsAnswer> const& answer, Duration took) const {
        if (!answer) {
            auto const& error = answer.error();
            bool const none = error.code == Errc::not_found;
            if (none && measure_ == "records") return number_answer(0);
            bool const says_nothing = error.code == Errc::too_large || !measure_.empty();
            return says_nothing ? unknown_answer(error.what)
                                : failed_answer(error.what + " (" + name_ + ")", took);
        }
        if (measure_ == "records") return number_answer(double(answer->values.size()));
        if (measure_ == "ttl") return number_answer(double(answer->ttl));
        if (!expect_.empty() && answer->values != expect_) {
            return failed_answer(
                "content: " + name_ + " is " + joined(answer->values) + ", expected " +
                    joined(expect_),
                took
            );
        }
        return good_answer({}, took);
    }

    std::string name_;
    DnsType type_;
    std::string server_;
    std::string measure_;
    std::vector<std::string> expect_;
    ProbeContext context_;
    std::random_device random_;
};

std::unique_ptr<Probe> make_dns(SignalPolicy const& signal, ProbeContext const& context) {
    return std::make_unique<DnsProbe>(signal, context);
}

}  // namespace

ProbeType dns_probe() { return ProbeType{dns_info(), &check_dns, &make_dns, &dns_nature}; }

}  // namespace rollbackd

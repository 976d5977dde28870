// What a network says beside HTTP: any datagram as an answer of DNS or to an ICMP echo, any text as
// a name, an address, an SMTP reply, a certificate.
#include "core/ensure.hpp"
#include "core/io/ping.hpp"
#include "core/io/stream.hpp"
#include "core/io/tls_context.hpp"
#include "core/io/url.hpp"
#include "tests/fuzz/entries.hpp"
#include "triggers/probes/dns_answer.hpp"
#include "triggers/probes/starttls.hpp"

#include <algorithm>

using namespace rollbackd;

namespace {

void echo(std::vector<unsigned char> const& packet) {
    constexpr std::size_t payload_bytes = 16;
    // Somebody who saw our request sends it back with his own words before it.
    auto const begin = packet.size() - std::min(packet.size(), payload_bytes);
    std::span<unsigned char const> const payload(packet.data() + begin, packet.size() - begin);
    for (bool const v6 : {false, true}) {
        if (!is_echo_reply(packet, v6, payload)) continue;
        ensure(packet.size() >= 8 + payload.size(), "an answer has a head and our payload");
        auto other = std::vector<unsigned char>(payload.begin(), payload.end());
        other.push_back(0);
        ensure(!is_echo_reply(packet, v6, other), "it is the answer to one request");
    }
}

}  // namespace

int rollbackd::fuzz::dns(std::uint8_t const* data, std::size_t size) {
    std::vector<unsigned char> const bytes(data, data + size);
    for (auto const type :
         {DnsType::A, DnsType::AAAA, DnsType::MX, DnsType::TXT, DnsType::CNAME, DnsType::NS}) {
        auto const answer = read_dns_answer(bytes, type);
        if (answer) ensure(!answer->values.empty(), "an answer holds a record");
    }
    std::string const text(bytes.begin(), bytes.end());
    (void)dns_question(text, DnsType::A, 1);
    (void)read_smtp_reply(text);
    (void)parse_address(text);
    (void)parse_url(text);
    if (auto const found = read_certificates(text)) {
        ensure(found->size() <= certificates_max, "certificates are bounded");
    }
    echo(bytes);
    return 0;
}

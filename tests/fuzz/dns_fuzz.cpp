// Any datagram as an answer of DNS, any text as a name, and any line as an SMTP reply.
#include "core/ensure.hpp"
#include "tests/fuzz/entries.hpp"
#include "triggers/probes/dns_answer.hpp"
#include "triggers/probes/starttls.hpp"

using namespace rollbackd;

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
    return 0;
}

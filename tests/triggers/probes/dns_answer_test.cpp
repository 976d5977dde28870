#include "triggers/probes/dns_answer.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;

namespace {

/// An answer to a question for shop.example.com: header, question, then `records`.
std::vector<unsigned char> answer(
    unsigned char flags, unsigned char code, std::string const& records, unsigned char count
) {
    auto bytes = dns_question("shop.example.com", DnsType::A, 0x1234).value();
    bytes[2] = static_cast<unsigned char>(bytes[2] | 0x80U | flags);
    bytes[3] = code;
    bytes[7] = count;
    bytes.insert(bytes.end(), records.begin(), records.end());
    return bytes;
}

/// The name by pointer, type, class IN, time to live, then the data.
std::string record(unsigned char type, unsigned char ttl, std::string const& data) {
    std::string out("\xc0\x0c\0", 3);
    out += char(type);
    out += std::string("\0\x01\0\0\0", 5) + char(ttl) + '\0' + char(data.size());
    return out + data;
}

std::string why(std::vector<unsigned char> const& bytes, DnsType type = DnsType::A) {
    auto const read = read_dns_answer(bytes, type);
    REQUIRE_FALSE(read);
    return read.error().what;
}

}  // namespace

TEST_CASE("addresses are read in order, with the least time to live") {
    auto const raw = record(1, 60, std::string("\xc0\x00\x02\x02", 4)) +
                     record(1, 30, std::string("\xc0\x00\x02\x01", 4)) +
                     record(28, 9, std::string(16, '\x20'));
    auto const read = read_dns_answer(answer(0, 0, raw, 3), DnsType::A);
    REQUIRE(read);
    CHECK(read->values == std::vector<std::string>{"192.0.2.1", "192.0.2.2"});
    CHECK(read->ttl == 30);
}

TEST_CASE("mail servers and texts are written as people write them") {
    auto const mail = record(15, 9, std::string("\0\x0a\x04mail\xc0\x11", 9));
    CHECK(
        read_dns_answer(answer(0, 0, mail, 1), DnsType::MX)->values.at(0) == "10 mail.example.com"
    );
    auto const text = record(16, 9, std::string("\x03v=1\x02 x", 7));
    CHECK(read_dns_answer(answer(0, 0, text, 1), DnsType::TXT)->values.at(0) == "v=1 x");
}

TEST_CASE("each way not to answer has its own word") {
    CHECK(why(answer(0, 3, "", 0)).starts_with("nxdomain: "));
    CHECK(why(answer(0, 2, "", 0)).starts_with("servfail: "));
    CHECK(why(answer(0, 5, "", 0)).starts_with("refusal: "));
    CHECK(why(answer(0, 0, "", 0)).starts_with("missing: "));
    CHECK(why(answer(2, 0, "", 0)).starts_with("truncated: "));
    CHECK(why({}).starts_with("garbage: "));
    CHECK(why(dns_question("shop.example.com", DnsType::A, 1).value()).starts_with("garbage: "));
    CHECK(why(answer(0, 0, record(1, 60, "abc"), 1)).starts_with("garbage: "));
    CHECK(why(answer(0, 0, "\xc0", 1)).starts_with("garbage: "));
}

TEST_CASE("what is no name is found at load") {
    CHECK_FALSE(dns_question(std::string(300, 'a'), DnsType::A, 1));
    CHECK_FALSE(dns_question("a..b", DnsType::A, 1));
}

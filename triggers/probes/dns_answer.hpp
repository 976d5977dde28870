// DNS messages: a question as bytes, and what an answer says. Made and read by the resolver library
// of the system; pure.
#pragma once

#include "core/error.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace rollbackd {

enum class DnsType : std::uint16_t { A = 1, NS = 2, CNAME = 5, MX = 15, TXT = 16, AAAA = 28 };

/// Nothing where the name is none.
Result<std::vector<unsigned char>> dns_question(
    std::string const& name, DnsType type, std::uint16_t id
);

struct DnsAnswer {
    /// As people write them: "192.0.2.1", "10 mail.example.com", without a last dot; sorted.
    std::vector<std::string> values;
    std::uint32_t ttl = 0;  // the least, in seconds
};

/// Errors begin with a slug: nxdomain, servfail, refusal (the server's codes), missing (no record
/// of that type), truncated, garbage.
Result<DnsAnswer> read_dns_answer(std::vector<unsigned char> const& bytes, DnsType type);

}  // namespace rollbackd

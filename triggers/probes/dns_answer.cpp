#include "triggers/probes/dns_answer.hpp"

#include "core/names.hpp"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netinet/in.h>
#include <resolv.h>

#include <algorithm>
#include <array>

namespace rollbackd {

namespace {

constexpr std::size_t question_bytes_max = 512;
constexpr std::size_t text_bytes_max = 255;
constexpr std::size_t header_bytes = 12;

std::optional<std::string> name_at(ns_msg const& message, unsigned char const* at) {
    std::array<char, NS_MAXDNAME> room{};
    auto const length = ::ns_name_uncompress(
        ns_msg_base(message), ns_msg_end(message), at, room.data(), room.size()
    );
    if (length < 0) return std::nullopt;
    return printable(room.data(), text_bytes_max);
}

std::optional<std::string> address(int family, ns_rr const& record, std::size_t length) {
    if (ns_rr_rdlen(record) != length) return std::nullopt;
    std::array<char, INET6_ADDRSTRLEN> room{};
    if (::inet_ntop(family, ns_rr_rdata(record), room.data(), room.size()) == nullptr) {
        return std::nullopt;
    }
    return std::string(room.data());
}

std::optional<std::string> value_of(ns_msg const& message, ns_rr const& record, DnsType type) {
    auto const* const data = ns_rr_rdata(record);
    std::size_t const length = ns_rr_rdlen(record);
    switch (type) {
        case DnsType::A:
            return address(AF_INET, record, 4);
        case DnsType::AAAA:
            return address(AF_INET6, record, 16);
        case DnsType::NS:
        case DnsType::CNAME:
            return name_at(message, data);
        case DnsType::MX: {
            if (length < 3) return std::nullopt;
            auto const name = name_at(message, data + 2);
            if (!name) return std::nullopt;
            return std::to_string(data[0] * 256 + data[1]) + " " + *name;
        }
        case DnsType::TXT: {
            std::string text;
            for (std::size_t at = 0; at < length; at += data[at] + 1U) {
                if (at + 1 + data[at] > length) return std::nullopt;
                text.append(reinterpret_cast<char const*>(data + at + 1), data[at]);
            }
            return printable(text, 4 * text_bytes_max);
        }
    }
    return std::nullopt;
}

tl::unexpected<Error> garbage() { return fail(Errc::invalid, "garbage: not an answer of DNS"); }

}  // namespace

Result<std::vector<unsigned char>> dns_question(
    std::string const& name, DnsType type, std::uint16_t id
) {
    std::array<unsigned char, question_bytes_max> room{};
    auto const length = ::res_mkquery(
        ns_o_query, name.c_str(), ns_c_in, static_cast<int>(type), nullptr, 0, nullptr, room.data(),
        static_cast<int>(room.size())
    );
    if (length < static_cast<int>(header_bytes)) {
        return fail(Errc::invalid, "\"" + printable(name, text_bytes_max) + "\" is no name of DNS");
    }
    room[0] = static_cast<unsigned char>(id >> 8U);
    room[1] = static_cast<unsigned char>(id & 255U);
    return std::vector<unsigned char>(room.begin(), room.begin() + length);
}

Result<DnsAnswer> read_dns_answer(std::vector<unsigned char> const& bytes, DnsType type) {
    ns_msg message{};
    if (bytes.size() < header_bytes ||
        ::ns_initparse(bytes.data(), static_cast<int>(bytes.size()), &message) < 0) {
        return garbage();
    }
    if (ns_msg_getflag(message, ns_f_qr) == 0) return garbage();
    if (ns_msg_getflag(message, ns_f_tc) != 0) {
        return fail(Errc::too_large, "truncated: the answer does not fit a datagram");
    }
    auto const code = ns_msg_getflag(message, ns_f_rcode);
    if (code == ns_r_nxdomain) return fail(Errc::not_found, "nxdomain: there is no such name");
    if (code == ns_r_servfail) return fail(Errc::unavailable, "servfail: the server cannot answer");
    if (code != ns_r_noerror) {
        return fail(Errc::unavailable, "refusal: the server answers code " + std::to_string(code));
    }
    DnsAnswer answer;
    for (int i = 0; i < ns_msg_count(message, ns_s_an); ++i) {
        ns_rr record{};
        if (::ns_parserr(&message, ns_s_an, i, &record) < 0) return garbage();
        if (ns_rr_type(record) != static_cast<int>(type)) continue;
        auto value = value_of(message, record, type);
        if (!value) return garbage();
        auto const ttl = static_cast<std::uint32_t>(ns_rr_ttl(record));
        answer.ttl = answer.values.empty() ? ttl : std::min(answer.ttl, ttl);
        answer.values.push_back(*std::move(value));
    }
    if (answer.values.empty()) {
        return fail(Errc::not_found, "missing: the name has no record of that type");
    }
    std::sort(answer.values.begin(), answer.values.end());
    return answer;
}

}  // namespace rollbackd

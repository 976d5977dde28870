// http and https URLs, taken apart for a client. Private to core/io, but pure.
#pragma once

#include "core/error.hpp"

#include <cstdint>

namespace rollbackd {

struct Url {
    bool secure = false;
    std::string host;  // without brackets
    std::uint16_t port = 0;
    std::string authority;  // for the Host header: host, and the port where it is not the default
    std::string target;     // path and query, as sent
    std::string userinfo;   // "user:password", decoded; empty: none

    friend bool operator==(Url const&, Url const&) = default;
};

Result<Url> parse_url(std::string_view text);
/// Where `location` leads from `base` (RFC 3986, 5.2).
Result<std::string> resolve_url(std::string const& base, std::string_view location);

}  // namespace rollbackd

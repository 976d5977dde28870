// Percent-encoding of addresses (RFC 3986, 2.1), and the parameters of a query string. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rollbackd {

/// 0 to 15; -1: not a hexadecimal digit.
int hex_digit(char c);

/// All but the unreserved characters of RFC 3986 escaped: "a/b" → "a%2Fb", one segment of a path.
std::string percent_encode(std::string_view text);

/// "%2F" → "/"; nothing where an escape is broken or the result holds a NUL.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);

/// The value of `key` in a query string, decoded, broken escapes as they stand; nullopt where it is
/// absent. For what others wrote: addresses and the lines of access logs.
std::optional<std::string> query_value(std::string_view query, std::string_view key);

}  // namespace rollbackd

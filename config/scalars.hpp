// Plain words of a policy as typed values: strict where YAML is generous (yes, 010, 0x10, 1e3).
// Each failure says what would have been right.
#pragma once

#include "core/error.hpp"
#include "core/time.hpp"

#include <cstdint>
#include <string_view>

namespace rollbackd {

/// true or false, nothing else.
Result<bool> parse_boolean(std::string_view text);
/// Decimal digits with an optional minus; no leading zero, no hexadecimal.
Result<std::int64_t> parse_integer(std::string_view text);
Result<double> parse_number(std::string_view text);
/// "95%" or "0.95" as 0.95.
Result<double> parse_share(std::string_view text);
/// "10MB", "512KiB", "100": bytes. kB MB GB count in thousands, KiB MiB GiB in 1024.
Result<std::int64_t> parse_size(std::string_view text);
/// 200 as it is, "2xx" in lower case.
bool is_status(std::string_view text);

/// scheme://rest without blanks; a template or ${NAME} at its head may become one.
bool is_url(std::string_view text);

/// An address to listen on, taken apart.
struct ListenAddress {
    bool is_unix = false;
    std::string host;  // or the socket's path
    std::uint16_t port = 0;
    bool loopback = false;

    friend bool operator==(ListenAddress const&, ListenAddress const&) = default;
};

/// "127.0.0.1:8620", "[::1]:8620", "localhost:8620" or "unix:/run/rollbackd/api.sock".
Result<ListenAddress> parse_listen(std::string_view text);

}  // namespace rollbackd

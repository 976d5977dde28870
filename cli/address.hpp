// Where the daemon is: http://host:port, https://host:port or unix:/path/to/socket.
#pragma once

#include "core/error.hpp"

#include <cstdint>

namespace rollbackd::cli {

struct Address {
    enum class Scheme { http, https, unix_socket };
    Scheme scheme = Scheme::http;
    std::string host;  // of a socket: its path
    std::uint16_t port = 0;
    std::string prefix;  // path before /v1 where a proxy puts one; no slash at its end

    friend bool operator==(Address const&, Address const&) = default;
};

/// Where nobody says: the socket of the daemon on this machine if this user may use it, else its
/// port.
inline constexpr std::string_view socket_url = "unix:/run/rollbackd/api.sock";
inline constexpr char const* default_url = "http://127.0.0.1:8620";
std::string find_daemon();

Result<Address> parse_address(std::string_view url);
/// As it was meant by the user, for messages.
std::string to_string(Address const& address);
/// The Host header: with the port where it is not the scheme's own.
std::string host_header(Address const& address);

/// `segment` as one path segment of a URL: everything but unreserved characters as %NN.
std::string url_segment(std::string_view segment);

}  // namespace rollbackd::cli

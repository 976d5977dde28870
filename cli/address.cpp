#include "cli/address.hpp"

#include <sys/un.h>
#include <unistd.h>
#include <algorithm>
#include <charconv>

namespace rollbackd::cli {

namespace {

constexpr std::size_t socket_path_max = sizeof(sockaddr_un::sun_path) - 1;

tl::unexpected<Error> not_an_address(std::string_view url, std::string_view why) {
    return fail(
        Errc::invalid,
        std::string(why) + "; expected http://HOST:PORT, https://HOST:PORT or unix:/PATH",
        "'" + std::string(url) + "'"
    );
}

std::uint16_t port_of_scheme(Address::Scheme scheme) {
    return scheme == Address::Scheme::https ? 443 : 80;
}

Result<Address> parse_socket(std::string_view url, std::string_view path) {
    while (path.starts_with("//")) path.remove_prefix(1);
    if (!path.starts_with('/')) return not_an_address(url, "a socket's path must be absolute");
    if (path.size() > socket_path_max) {
        return not_an_address(url, "a socket's path is at most 107 bytes long");
    }
    return Address{Address::Scheme::unix_socket, std::string(path), 0, {}};
}

}  // namespace

Result<Address> parse_address(std::string_view url) {
    if (std::any_of(url.begin(), url.end(), [](char c) {
            return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f;
        })) {
        return not_an_address(url, "an address holds no spaces or control characters");
    }
    if (url.starts_with("unix:")) return parse_socket(url, url.substr(5));
    Address address;
    std::string_view rest = url;
    if (url.starts_with("http://")) {
        rest.remove_prefix(7);
    } else if (url.starts_with("https://")) {
        address.scheme = Address::Scheme::https;
        rest.remove_prefix(8);
    } else {
        return not_an_address(url, "this is no address of rollbackd");
    }
    auto const slash = rest.find('/');
    if (slash != std::string_view::npos) {
        address.prefix = rest.substr(slash);
        rest = rest.substr(0, slash);
        while (address.prefix.ends_with('/')) address.prefix.pop_back();
        if (address.prefix.find_first_of("?#") != std::string::npos) {
            return not_an_address(url, "an address has no query");
        }
    }
    if (rest.find('@') != std::string_view::npos) {
        return not_an_address(url, "a token does not belong into the address (use --token-file)");
    }
    std::string_view port;
    if (rest.starts_with('[')) {
        auto const end = rest.find(']');
        if (end == std::string_view::npos) return not_an_address(url, "']' is missing");
        address.host = rest.substr(1, end - 1);
        port = rest.substr(end + 1);
        if (!port.empty() && !port.starts_with(':')) return not_an_address(url, "':' is missing");
        if (!port.empty()) port.remove_prefix(1);
    } else {
        auto const colon = rest.find(':');
        address.host = rest.substr(0, colon);
        if (colon != std::string_view::npos) port = rest.substr(colon + 1);
    }
    if (address.host.empty()) return not_an_address(url, "the host is missing");
    address.port = port_of_scheme(address.scheme);
    if (!port.empty()) {
        auto const [end, problem] =
            std::from_chars(port.data(), port.data() + port.size(), address.port);
        if (problem != std::errc() || end != port.data() + port.size() || address.port == 0) {
            return not_an_address(url, "the port is no number from 1 to 65535");
        }
    }
    return address;
}

std::string host_header(Address const& address) {
    if (address.scheme == Address::Scheme::unix_socket) return "localhost";
    bool const six = address.host.find(':') != std::string::npos;
    std::string out = six ? "[" + address.host + "]" : address.host;
    if (address.port != port_of_scheme(address.scheme)) out += ":" + std::to_string(address.port);
    return out;
}

std::string find_daemon() {
    auto const path = socket_url.substr(socket_url.find('/'));
    return ::access(path.data(), R_OK | W_OK) == 0 ? std::string(socket_url) : default_url;
}

std::string to_string(Address const& address) {
    switch (address.scheme) {
        case Address::Scheme::unix_socket:
            return "unix:" + address.host;
        case Address::Scheme::http:
            return "http://" + host_header(address) + address.prefix;
        case Address::Scheme::https:
            return "https://" + host_header(address) + address.prefix;
    }
    return {};
}

std::string url_segment(std::string_view segment) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (char const c : segment) {
        bool const letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool const plain = letter || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '~' ||
                           (c == '.' && segment != "." && segment != "..");
        if (plain) {
            out.push_back(c);
            continue;
        }
        auto const byte = static_cast<unsigned char>(c);
        out.push_back('%');
        out.push_back(digits[byte >> 4U]);
        out.push_back(digits[byte & 15U]);
    }
    return out;
}

}  // namespace rollbackd::cli

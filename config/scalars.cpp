#include "config/scalars.hpp"

#include "core/names.hpp"

#include <arpa/inet.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace rollbackd {

namespace {

std::string quoted(std::string_view text) { return "\"" + printable(text, 64) + "\""; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool all_digits(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

struct SizeUnit {
    std::string_view name;
    double bytes;
};

constexpr std::array size_units{
    SizeUnit{"", 1},
    SizeUnit{"B", 1},
    SizeUnit{"kB", 1e3},
    SizeUnit{"KB", 1e3},
    SizeUnit{"MB", 1e6},
    SizeUnit{"GB", 1e9},
    SizeUnit{"TB", 1e12},
    SizeUnit{"KiB", 1024},
    SizeUnit{"MiB", 1024.0 * 1024},
    SizeUnit{"GiB", 1024.0 * 1024 * 1024},
    SizeUnit{"TiB", 1024.0 * 1024 * 1024 * 1024},
};

/// Whether the host is a loopback address; nothing where it is no address at all.
Result<bool> is_loopback(std::string const& host) {
    if (host == "localhost") return true;
    in_addr v4{};
    if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24U) == 127U;
    in6_addr v6{};
    if (inet_pton(AF_INET6, host.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6) != 0;
    return fail(
        Errc::invalid, quoted(host) +
                           " is no address to listen on; write an IP address of this machine, for "
                           "example 127.0.0.1:8620, [::1]:8620 or 0.0.0.0:8620"
    );
}

}  // namespace

Result<bool> parse_boolean(std::string_view text) {
    if (text == "true") return true;
    if (text == "false") return false;
    return fail(Errc::invalid, quoted(text) + " is no boolean; write true or false");
}

Result<std::int64_t> parse_integer(std::string_view text) {
    auto const digits = text.starts_with('-') ? text.substr(1) : text;
    if (!all_digits(digits)) return fail(Errc::invalid, quoted(text) + " is no whole number");
    if (digits.size() > 1 && digits.front() == '0') {
        return fail(Errc::invalid, quoted(text) + " has a leading zero; write it without");
    }
    std::int64_t value = 0;
    auto const [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc{}) return fail(Errc::invalid, quoted(text) + " is too large a number");
    return value;
}

Result<double> parse_number(std::string_view text) {
    double value = 0;
    auto const [end, code] =
        std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    if (code != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) {
        return fail(Errc::invalid, quoted(text) + " is no number");
    }
    return value;
}

Result<double> parse_share(std::string_view text) {
    bool const percent = text.ends_with('%');
    auto const value = parse_number(percent ? text.substr(0, text.size() - 1) : text);
    if (!value) {
        return fail(Errc::invalid, quoted(text) + " is no share; write one like 95% or 0.95");
    }
    return percent ? *value / 100 : *value;
}

Result<std::int64_t> parse_size(std::string_view text) {
    auto const wrong = [&] {
        return fail(
            Errc::invalid, quoted(text) + " is no size; write one like 512kB, 10MB, 64KiB or 1GiB"
        );
    };
    auto const letters = std::min(text.find_first_not_of("0123456789."), text.size());
    auto const number = parse_number(text.substr(0, letters));
    if (!number || *number < 0) return wrong();
    auto const unit = std::find_if(size_units.begin(), size_units.end(), [&](auto const& known) {
        return known.name == text.substr(letters);
    });
    if (unit == size_units.end()) return wrong();
    double const bytes = *number * unit->bytes;
    if (bytes > 9e18) return wrong();
    return std::int64_t(std::llround(bytes));
}

bool is_status(std::string_view text) {
    if (text.size() != 3 || text[0] < '1' || text[0] > '5') return false;
    auto const rest = text.substr(1);
    return all_digits(rest) || rest == "xx" || rest == "XX";
}

bool is_url(std::string_view text) {
    if (text.find("{{") != std::string_view::npos || text.starts_with("${")) return true;
    if (text.find_first_of(" \t\n\"<>") != std::string_view::npos) return false;
    auto const scheme = text.find("://");
    return scheme != std::string_view::npos && scheme > 0 && text.size() > scheme + 3;
}

Result<ListenAddress> parse_listen(std::string_view text) {
    constexpr std::string_view scheme = "unix:";
    if (text.starts_with(scheme)) {
        ListenAddress address{true, std::string(text.substr(scheme.size())), 0, true};
        if (!address.host.starts_with('/') || address.host.size() > 107) {
            return fail(
                Errc::invalid,
                "a Unix socket needs an absolute path of at most 107 bytes: "
                "unix:/run/rollbackd/api.sock"
            );
        }
        return address;
    }
    auto const colon = text.rfind(':');
    auto const port_text = colon == std::string_view::npos ? "" : text.substr(colon + 1);
    auto const port = parse_integer(port_text);
    if (port && (*port < 0 || *port > 65535)) {
        return fail(
            Errc::invalid, quoted(text) + ": a port lies from 1 to 65535, or is 0: any free one"
        );
    }
    if (!port) {
        return fail(
            Errc::invalid,
            quoted(text) + " has no port; write address:port, for example 127.0.0.1:8620"
        );
    }
    ListenAddress address;
    address.host = text.substr(0, colon);
    if (address.host.starts_with('[') && address.host.ends_with(']')) {
        address.host = address.host.substr(1, address.host.size() - 2);
    } else if (address.host.find(':') != std::string::npos) {
        return fail(
            Errc::invalid,
            "an IPv6 address needs brackets: [" + address.host + "]:" + std::to_string(*port)
        );
    }
    auto const loopback = is_loopback(address.host);
    if (!loopback) return tl::unexpected(loopback.error());
    address.port = std::uint16_t(*port);
    address.loopback = *loopback;
    return address;
}

}  // namespace rollbackd

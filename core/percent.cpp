#include "core/percent.hpp"

namespace rollbackd {

namespace {

constexpr std::string_view digits = "0123456789ABCDEF";

bool is_unreserved(char c) {
    bool const letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
}

// The byte that the escape at `at` stands for; nothing where it is broken.
std::optional<char> escaped_byte(std::string_view text, std::size_t at) {
    if (at + 2 >= text.size()) return std::nullopt;
    int const high = hex_digit(text[at + 1]);
    int const low = hex_digit(text[at + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    return static_cast<char>(high * 16 + low);
}

std::string decode_leniently(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto const byte = text[i] == '%' ? escaped_byte(text, i) : std::nullopt;
        if (byte) i += 2;
        out.push_back(byte ? *byte : text[i] == '+' ? ' ' : text[i]);
    }
    return out;
}

}  // namespace

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::string percent_encode(std::string_view text) {
    std::string out;
    for (char const c : text) {
        auto const byte = static_cast<unsigned char>(c);
        if (is_unreserved(c)) {
            out += c;
        } else {
            out += {'%', digits[byte >> 4U], digits[byte & 15U]};
        }
    }
    return out;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            auto const byte = escaped_byte(text, i);
            if (!byte) return std::nullopt;
            c = *byte;
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if (c == '\0') return std::nullopt;
        out.push_back(c);
    }
    return out;
}

std::optional<std::string> query_value(std::string_view query, std::string_view key) {
    for (std::size_t at = 0; at < query.size();) {
        auto const end = std::min(query.find('&', at), query.size());
        auto equals = at;
        while (equals < end && query[equals] != '=') ++equals;
        if (decode_leniently(query.substr(at, equals - at)) == key) {
            auto const value = std::min(equals + 1, end);
            return decode_leniently(query.substr(value, end - value));
        }
        at = end + 1;
    }
    return std::nullopt;
}

}  // namespace rollbackd

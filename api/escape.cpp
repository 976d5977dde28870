#include "api/escape.hpp"

#include <cstdint>

namespace rollbackd::api {

namespace {

struct Decoded {
    std::uint32_t point = 0;
    std::size_t length = 0;  // 0: not UTF-8
};

/// The code point at the start of `text`; overlong forms and surrogates are no UTF-8.
Decoded decode(std::string_view text) {
    auto const byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    auto const first = byte(0);
    if (first < 0x80) return {first, 1};
    std::size_t const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
    if (length == 0 || first > 0xf4 || text.size() < length) return {};
    std::uint32_t point = first & (0xffU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0U) != 0x80) return {};
        point = (point << 6U) | (byte(i) & 0x3fU);
    }
    bool const overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
    bool const surrogate = point >= 0xd800 && point <= 0xdfff;
    if (overlong || surrogate || point > 0x10ffff) return {};
    return {point, length};
}

/// Acts on a terminal or deceives the eye.
bool is_active(std::uint32_t point) {
    return point < 0x20 || (point >= 0x7f && point <= 0x9f) || point == 0x061c ||
           (point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2060 && point <= 0x206f) || point == 0xfeff ||
           (point >= 0xe0000 && point <= 0xe007f);
}

void append_hex(std::string& out, std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    for (char const c : bytes) {
        auto const byte = static_cast<unsigned char>(c);
        out += "\\x";
        out.push_back(digits[byte >> 4U]);
        out.push_back(digits[byte & 15U]);
    }
}

bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           static_cast<unsigned char>(c) >= 0x80;
}

/// An underscore inside a word is no emphasis, and names are full of them.
bool is_intraword(std::string_view text, std::size_t i) {
    return i > 0 && i + 1 < text.size() && is_word(text[i - 1]) && is_word(text[i + 1]);
}

/// Whether the line would begin a heading, list, quote or rule.
bool opens_block(std::string_view text, std::size_t i) {
    if (i == 0) return std::string_view("#-+=>").find(text[0]) != std::string_view::npos;
    if (text[i] != '.' && text[i] != ')') return false;
    if (i + 1 < text.size() && text[i + 1] != ' ') return false;  // "1.2 s" is no list
    return text.substr(0, i).find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

std::string inert(std::string_view text, std::size_t bytes_max) {
    std::string out;
    bool const cut = text.size() > bytes_max;
    text = text.substr(0, bytes_max);
    while (!text.empty()) {
        auto const [point, length] = decode(text);
        // A character cut in two at the limit is dropped, not shown as broken bytes.
        if (length == 0 && cut && text.size() < 4) break;
        auto const bytes = text.substr(0, length == 0 ? 1 : length);
        if (point == '\n' || point == '\r' || point == '\t') {
            out.push_back(' ');
        } else if (length == 0 || is_active(point)) {
            append_hex(out, bytes);
        } else {
            out += bytes;
        }
        text.remove_prefix(bytes.size());
    }
    if (cut) out += "…";
    return out;
}

std::string markdown(std::string_view text, std::size_t bytes_max) {
    auto const plain = inert(text, bytes_max);
    auto const start = plain.find_first_not_of(' ');
    if (start == std::string::npos) return {};
    std::string_view const line = std::string_view(plain).substr(start);
    std::string out;
    for (std::size_t i = 0; i < line.size(); ++i) {
        char const c = line[i];
        if (c == '<') {
            out += "&lt;";
        } else if (c == '&') {
            out += "&amp;";
        } else {
            bool const special = std::string_view("\\`*[]|~").find(c) != std::string_view::npos;
            bool const emphasis = c == '_' && !is_intraword(line, i);
            if (special || emphasis || opens_block(line, i)) out.push_back('\\');
            out.push_back(c);
        }
    }
    return out;
}

}  // namespace rollbackd::api

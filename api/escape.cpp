#include "api/escape.hpp"

#include "core/names.hpp"

namespace rollbackd::api {

namespace {

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

std::string markdown(std::string_view text, std::size_t bytes_max) {
    auto const plain = printable_line(text, bytes_max);
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

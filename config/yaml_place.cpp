// Where a byte of a scalar's value stands in the file: the value has lost its quotes, its escapes
// and its line breaks, and an error message must point at the text a person sees.
#include "config/yaml_tree.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
bool is_space(char c) { return is_blank(c) || c == '\n'; }

/// Skips an anchor and a tag before the value.
std::size_t skip_properties(std::string_view text, std::size_t at) {
    while (at < text.size() && (text[at] == '&' || text[at] == '!')) {
        while (at < text.size() && !is_space(text[at])) ++at;
        while (at < text.size() && is_space(text[at])) ++at;
    }
    return at;
}

/// One step of a walk: so many bytes of text make so many bytes of value.
struct Stride {
    std::size_t text = 1;
    std::size_t value = 1;
};

std::size_t utf8_length(unsigned long code) {
    if (code < 0x80) return 1;
    if (code < 0x800) return 2;
    return code < 0x10000 ? 3 : 4;
}

/// Spaces around a line break inside a flow scalar: one break is a space, n are n - 1 breaks.
Stride fold(std::string_view rest) {
    std::size_t const end = std::min(rest.find_first_not_of(" \t\r\n"), rest.size());
    auto const breaks = std::size_t(std::count(rest.begin(), rest.begin() + long(end), '\n'));
    if (breaks == 0) return {};
    return {end, breaks == 1 ? 1 : breaks - 1};
}

Stride escape(std::string_view rest) {
    if (rest.size() < 2) return {rest.size(), 0};
    auto const digits = [&](std::size_t count) -> Stride {
        unsigned long code = 0;
        auto const hex = std::string(rest.substr(2, count));
        for (char const c : hex) {
            auto const lower = char(c | 0x20);
            code = code * 16 + (c <= '9' ? unsigned(c - '0') : unsigned(lower - 'a') + 10U);
        }
        return {2 + hex.size(), utf8_length(code)};
    };
    switch (rest[1]) {
        case 'x':
            return digits(2);
        case 'u':
            return digits(4);
        case 'U':
            return digits(8);
        case 'N':
        case '_':
            return {2, 2};
        case 'L':
        case 'P':
            return {2, 3};
        case '\n': {
            auto const end = rest.find_first_not_of(" \t", 2);
            return {std::min(end, rest.size()), 0};
        }
        default:
            return {2, 1};
    }
}

std::size_t walk_flow(std::string_view text, std::size_t at, std::size_t offset, char quote) {
    std::size_t done = 0;
    while (at < text.size()) {
        Stride stride;
        if (quote == '"' && text[at] == '\\') {
            stride = escape(text.substr(at));
        } else if (quote == '\'' && text.substr(at, 2) == "''") {
            stride = {2, 1};
        } else if (is_space(text[at])) {
            stride = fold(text.substr(at));
        }
        if (done + stride.value > offset) break;
        done += stride.value;
        at += stride.text;
    }
    return std::min(at, text.size());
}

/// A block scalar: the header's line, then lines that lose their common indentation.
std::size_t walk_block(std::string_view text, std::size_t at, std::size_t offset) {
    at = text.find('\n', at);
    if (at == std::string_view::npos) return text.size();
    ++at;
    auto const first = text.find_first_not_of(" \n", at);
    if (first == std::string_view::npos) return text.size();
    auto const line_start = text.rfind('\n', first) + 1;
    std::size_t const indent = first - line_start;
    std::size_t done = 0;
    while (at < text.size()) {
        std::size_t skipped = 0;
        while (skipped < indent && at < text.size() && text[at] == ' ') {
            ++at;
            ++skipped;
        }
        auto const end = std::min(text.find('\n', at), text.size());
        if (done + (end - at) >= offset) return at + (offset - done);
        done += end - at + 1;
        at = end + 1;
    }
    return text.size();
}

}  // namespace

std::size_t position_of(std::string_view text, Mark mark) {
    std::size_t at = 0;
    for (int line = 1; line < mark.line; ++line) {
        auto const end = text.find('\n', at);
        if (end == std::string_view::npos) return text.size();
        at = end + 1;
    }
    return std::min(at + std::size_t(std::max(mark.column - 1, 0)), text.size());
}

Mark mark_at(std::string_view text, std::uint32_t file, std::size_t position) {
    auto const before = text.substr(0, position);
    auto const line = int(std::count(before.begin(), before.end(), '\n')) + 1;
    auto const start = before.rfind('\n');
    auto const column = start == std::string_view::npos ? before.size() : before.size() - start - 1;
    return {file, line, int(column) + 1};
}

Mark place_in_scalar(std::string_view text, Mark start, std::size_t offset) {
    std::size_t at = skip_properties(text, position_of(text, start));
    if (at >= text.size()) return start;
    char const first = text[at];
    if (first == '"' || first == '\'') {
        at = walk_flow(text, at + 1, offset, first);
    } else if (first == '|' || first == '>') {
        at = walk_block(text, at, offset);
    } else {
        at = walk_flow(text, at, offset, '\0');
    }
    return mark_at(text, start.file, at);
}

}  // namespace rollbackd

#include "cli/text.hpp"

#include "core/names.hpp"
#include "core/utf8.hpp"

#include <algorithm>
#include <array>

namespace rollbackd::cli {

namespace {

struct Span {
    std::uint32_t first;
    std::uint32_t last;
};

/// The character at the start of `text` (never empty); of broken UTF-8 one byte, a column wide.
struct Shown {
    std::uint32_t value = 0;
    std::size_t length = 1;
};

Shown first_of(std::string_view text) {
    auto const [value, length] = decode_utf8(text);
    if (length == 0) return {static_cast<unsigned char>(text.front()), 1};
    return {value, length};
}

template <std::size_t N>
bool within(std::uint32_t value, std::array<Span, N> const& spans) {
    return std::any_of(spans.begin(), spans.end(), [&](Span const& span) {
        return value >= span.first && value <= span.last;
    });
}

std::size_t columns_of(std::uint32_t value) {
    constexpr std::array<Span, 4> none{
        {{0x300, 0x36f}, {0x1ab0, 0x1aff}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}}
    };
    constexpr std::array<Span, 8> wide{
        {{0x1100, 0x115f},
         {0x2e80, 0xa4cf},
         {0xac00, 0xd7a3},
         {0xf900, 0xfaff},
         {0xfe30, 0xfe6f},
         {0xff00, 0xff60},
         {0x1f300, 0x1faff},
         {0x20000, 0x3fffd}}
    };
    if (within(value, none)) return 0;
    return within(value, wide) ? 2 : 1;
}

/// Bytes of `text` that fit into `width` columns.
std::size_t fitting(std::string_view text, std::size_t width) {
    std::size_t used = 0;
    std::size_t columns = 0;
    while (used < text.size()) {
        auto const point = first_of(text.substr(used));
        auto const more = columns_of(point.value);
        if (columns + more > width) break;
        columns += more;
        used += point.length;
    }
    return used;
}

}  // namespace

std::string clean(std::string_view text) { return printable_line(text, shown_text_max); }

std::string clean_block(std::string_view text) {
    std::string out = printable(text, shown_text_max);
    std::replace(out.begin(), out.end(), '\t', ' ');
    return out;
}

std::size_t width_of(std::string_view text) {
    std::size_t columns = 0;
    while (!text.empty()) {
        auto const point = first_of(text);
        columns += columns_of(point.value);
        text.remove_prefix(point.length);
    }
    return columns;
}

std::string cut(std::string_view text, std::size_t width) {
    if (width_of(text) <= width) return std::string(text);
    if (width == 0) return {};
    std::string out(text.substr(0, fitting(text, width - 1)));
    while (!out.empty() && out.back() == ' ') out.pop_back();
    return out + "…";
}

std::string padded(std::string text, std::size_t width, bool right_aligned) {
    auto const used = width_of(text);
    if (used >= width) return text;
    text.insert(right_aligned ? 0 : text.size(), width - used, ' ');
    return text;
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
    width = std::max<std::size_t>(width, 2);
    std::vector<std::string> lines;
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (width_of(text) > width) {
        std::size_t const most = fitting(text, width);
        std::size_t const space = text.substr(0, most + 1).rfind(' ');
        std::size_t const end = space == std::string_view::npos || space == 0 ? most : space;
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(end);
        while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    }
    if (!text.empty() || lines.empty()) lines.emplace_back(text);
    return lines;
}

std::string counted(std::size_t count, std::string_view noun) {
    return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

}  // namespace rollbackd::cli

#include "core/utf8.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;

namespace {

std::string encoded(std::uint32_t point) {
    std::string out;
    auto const tail = [&](unsigned shift) {
        out.push_back(static_cast<char>(0x80U | ((point >> shift) & 0x3fU)));
    };
    if (point < 0x80) {
        out.push_back(static_cast<char>(point));
    } else if (point < 0x800) {
        out.push_back(static_cast<char>(0xc0U | (point >> 6U)));
        tail(0);
    } else if (point < 0x10000) {
        out.push_back(static_cast<char>(0xe0U | (point >> 12U)));
        tail(6);
        tail(0);
    } else {
        out.push_back(static_cast<char>(0xf0U | (point >> 18U)));
        tail(12);
        tail(6);
        tail(0);
    }
    return out;
}

}  // namespace

TEST_CASE("every character is decoded, and no surrogate or number beyond them") {
    std::size_t wrong = 0;
    for (std::uint32_t point = 0; point < 0x120000; ++point) {
        auto const text = encoded(point) + "x";
        auto const found = decode_utf8(text);
        bool const surrogate = point >= 0xd800 && point <= 0xdfff;
        bool const none = surrogate || point > 0x10ffff;
        if (found.length != (none ? 0 : text.size() - 1)) ++wrong;
        if (!none && found.value != point) ++wrong;
    }
    CHECK(wrong == 0);
}

TEST_CASE("overlong, cut and stray bytes are no characters") {
    for (auto const* text :
         {"\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\x80", "\xbf", "\xc3",
          "\xe2\x82", "\xf0\x9f\x98", "\xc3(", "\xff"}) {
        CAPTURE(text);
        CHECK(decode_utf8(text).length == 0);
        CHECK(find_not_utf8(std::string("é ✓") + text) == 6);
    }
    CHECK(find_not_utf8("größe ✓") == std::string_view::npos);
}

#include "core/scalar.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace rollbackd {

std::string scalar_text(Json const& value) {
    if (auto const* const text = value.if_string()) return std::string(*text);
    if (!value.is_double()) return to_text(value);
    auto const number = value.get_double();
    // Beyond these nobody writes all the digits.
    bool const plain = number == 0 || (std::abs(number) >= 1e-6 && std::abs(number) < 1e17);
    if (!plain) return to_text(value);
    std::array<char, 48> digits{};
    auto const end = std::to_chars(
        digits.data(), digits.data() + digits.size(), number, std::chars_format::fixed
    );
    std::string text(digits.data(), end.ptr);
    return text == "-0" ? "0" : text;
}

}  // namespace rollbackd

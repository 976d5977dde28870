// Numbers as people read them, for the reasons of probes. Private to this folder.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace rollbackd {

inline std::string shown_share(double share) {
    auto const text = std::to_string(share * 100);
    return text.substr(0, text.find('.') + 2) + "%";
}

inline std::string shown_bytes(std::uint64_t bytes) {
    constexpr std::array<char const*, 5> units{" B", " kB", " MB", " GB", " TB"};
    double value = double(bytes);
    std::size_t unit = 0;
    while (value >= 1000 && unit + 1 < units.size()) {
        value /= 1000;
        ++unit;
    }
    auto text = std::to_string(value);
    text.resize(unit == 0 ? text.find('.') : text.find('.') + 2);
    return text + units[unit];
}

}  // namespace rollbackd

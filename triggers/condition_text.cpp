#include "core/names.hpp"
#include "triggers/condition_read.hpp"

#include <array>
#include <cmath>
#include <cstdio>

namespace rollbackd {

namespace {

std::string plain(double value, int digits) {
    std::array<char, 48> buffer{};
    // Whole numbers stay whole: 120000 is not 1.2e+05.
    if (std::floor(value) == value && std::fabs(value) < 1e15) {
        std::snprintf(buffer.data(), buffer.size(), "%.0f", value);
    } else {
        std::snprintf(buffer.data(), buffer.size(), "%.*g", digits, value);
    }
    return buffer.data();
}

}  // namespace

Json time_json(std::optional<Instant> at) {
    return at ? Json(at->time_since_epoch().count()) : Json(nullptr);
}

std::string number_text(double value, Unit unit, int digits) {
    switch (unit) {
        case Unit::ratio:
            return plain(value * 100, digits) + " %";
        case Unit::seconds:
            if (std::fabs(value) < 1) return plain(value * 1000, digits) + " ms";
            if (std::fabs(value) < 120) return plain(value, digits) + " s";
            if (std::fabs(value) < 3600) return plain(value / 60, digits) + " min";
            return plain(value / 3600, digits) + " h";
        case Unit::days:
            return plain(value, digits) + " days";
        case Unit::bytes: {
            constexpr std::array<char const*, 5> names{"B", "KB", "MB", "GB", "TB"};
            std::size_t name = 0;
            while (std::fabs(value) >= 1000 && name + 1 < names.size()) {
                value /= 1000;
                ++name;
            }
            return plain(value, digits) + " " + names.at(name);
        }
        case Unit::plain:
        case Unit::any:
            return plain(value, digits);
    }
    return plain(value, digits);
}

std::string_view unit_text(Unit unit) {
    switch (unit) {
        case Unit::plain:
            return "a number";
        case Unit::ratio:
            return "a share (write 1%)";
        case Unit::seconds:
            return "a time (write 2s)";
        case Unit::days:
            return "days (write 30 or 30d)";
        case Unit::bytes:
            return "a size (write 10MB)";
        case Unit::any:
            return "a number";
    }
    return "a number";
}

std::string meant(std::string_view wrong, std::vector<std::string> const& names) {
    auto const near = nearest_name(wrong, names);
    if (!near.empty()) return "; did you mean " + near + "?";
    if (names.empty()) return "; none is defined";
    std::string out = names.size() == 1 ? "; there is " : "; there are ";
    for (std::size_t i = 0; i < names.size(); ++i) out += (i > 0 ? ", " : "") + names[i];
    return out;
}

}  // namespace rollbackd

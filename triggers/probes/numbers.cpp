#include "triggers/probes/numbers.hpp"

#include "core/names.hpp"
#include "core/scalar.hpp"

#include <charconv>
#include <cmath>

namespace rollbackd {

namespace {

constexpr std::size_t shown_max = 40;
constexpr double count_max = 9007199254740992;  // 2^53: what a double counts exactly
constexpr double seconds_max = 1e11;            // the year 5138; what is larger is milliseconds
constexpr double moment_max = 1e14;

tl::unexpected<Error> is_no(std::string_view what, std::string_view text) {
    return fail(Errc::invalid, "\"" + printable(text, shown_max) + "\" is no " + std::string(what));
}

/// A container is never a scalar, and its text may be long.
bool is_scalar(Json const& value) {
    return value.is_number() || value.is_string() || value.is_bool();
}

}  // namespace

Result<double> number_of(std::string_view text) {
    double number = 0;
    auto const [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    bool const whole = code == std::errc{} && end == text.data() + text.size();
    if (!whole || !std::isfinite(number)) return is_no("number", text);
    return number;
}

Result<std::uint64_t> count_of(std::string_view text) {
    if (text == "t" || text == "true") return std::uint64_t(1);
    if (text == "f" || text == "false") return std::uint64_t(0);
    auto const number = number_of(text);
    if (!number || *number < 0 || *number > count_max || *number != std::floor(*number)) {
        return is_no("count (a whole number from 0 on)", text);
    }
    return static_cast<std::uint64_t>(*number);
}

Result<WallTime> moment_of(std::string_view text) {
    if (auto const number = number_of(text)) {
        if (*number < 0 || *number > moment_max) return is_no("time", text);
        double const seconds = *number > seconds_max ? *number / 1000 : *number;
        return WallTime(std::chrono::microseconds(std::llround(seconds * 1e6)));
    }
    std::string given(text);
    if (given.size() > 10 && given[10] == ' ') given[10] = 'T';
    auto const zone = given.find_first_of("Zz+-", std::min<std::size_t>(given.size(), 11));
    if (zone == std::string::npos) {
        given += "Z";
    } else if (given.size() - zone == 3) {
        given += ":00";  // "+00"
    }
    auto const time = parse_rfc3339(given);
    if (!time) return is_no("time", text);
    return *time;
}

Result<double> json_number(Json const& value) {
    if (!value.is_number() && !value.is_string()) return is_no("number", to_text(value));
    return number_of(scalar_text(value));
}

Result<std::uint64_t> json_count(Json const& value) {
    if (!is_scalar(value)) return is_no("count", to_text(value));
    return count_of(scalar_text(value));
}

Result<WallTime> json_moment(Json const& value) {
    if (!value.is_number() && !value.is_string()) return is_no("time", to_text(value));
    return moment_of(scalar_text(value));
}

}  // namespace rollbackd

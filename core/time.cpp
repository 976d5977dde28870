#include "core/time.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>

namespace rollbackd {

namespace {

using namespace std::chrono_literals;

struct Unit {
    std::string_view name;
    Duration size;
};

constexpr std::array<Unit, 8> units{{
    {"w", 24h * 7},
    {"d", 24h},
    {"h", 1h},
    {"m", 1min},
    {"s", 1s},
    {"ms", 1ms},
    {"us", 1us},
    {"ns", 1ns},
}};

Unit const* find_unit(std::string_view name) {
    for (auto const& unit : units) {
        if (unit.name == name) return &unit;
    }
    return nullptr;
}

// Reads exactly `digits` decimal digits; -1 where there are others.
int read_digits(std::string_view& text, std::size_t digits) {
    if (text.size() < digits) return -1;
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
        char const c = text[i];
        if (c < '0' || c > '9') return -1;
        value = value * 10 + (c - '0');
    }
    text.remove_prefix(digits);
    return value;
}

bool read_char(std::string_view& text, std::string_view any_of) {
    if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
    text.remove_prefix(1);
    return true;
}

// Reads ".123456789"; returns microseconds, or -1 where no digit follows the point.
int read_fraction(std::string_view& text) {
    if (!read_char(text, ".")) return 0;
    int micros = 0;
    std::size_t count = 0;
    while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
        if (count < 6) micros = micros * 10 + (text.front() - '0');
        ++count;
        text.remove_prefix(1);
    }
    if (count == 0 || count > 9) return -1;
    for (std::size_t i = count; i < 6; ++i) micros *= 10;
    return micros;
}

// Reads "Z" or "+hh:mm"; false where neither stands at the end of the text.
bool read_offset(std::string_view& text, std::chrono::minutes& offset) {
    if (read_char(text, "Zz")) return text.empty();
    bool const negative = !text.empty() && text.front() == '-';
    if (!read_char(text, "+-")) return false;
    int const hours = read_digits(text, 2);
    if (hours < 0 || hours > 23 || !read_char(text, ":")) return false;
    int const minutes = read_digits(text, 2);
    if (minutes < 0 || minutes > 59 || !text.empty()) return false;
    offset = std::chrono::minutes((negative ? -1 : 1) * (hours * 60 + minutes));
    return true;
}

}  // namespace

Instant to_instant(WallTime wall, Now const& now) {
    // Whoever writes the year 4052 means no instant that nanoseconds can hold.
    constexpr WallTime::duration far = std::chrono::years(100);
    return now.boot - Duration(std::clamp(now.wall - wall, -far, far));
}

WallTime to_wall(Instant instant, Now const& now) {
    return now.wall - std::chrono::floor<std::chrono::microseconds>(now.boot - instant);
}

std::string format_rfc3339(WallTime time) {
    auto const day = std::chrono::floor<std::chrono::days>(time);
    std::chrono::year_month_day const date{day};
    std::chrono::hh_mm_ss const clock{time - day};
    std::array<char, 40> buffer{};
    std::snprintf(
        buffer.data(), buffer.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ", int(date.year()),
        unsigned(date.month()), unsigned(date.day()), int(clock.hours().count()),
        int(clock.minutes().count()), int(clock.seconds().count()), int(clock.subseconds().count())
    );
    return buffer.data();
}

std::string format_moment(WallTime time) {
    auto text = format_rfc3339(time).substr(0, std::string_view("2026-01-31T12:00:00").size());
    text[std::string_view("2026-01-31").size()] = ' ';
    return text + "Z";
}

Result<WallTime> parse_rfc3339(std::string_view text) {
    auto const bad = [whole = std::string(text.substr(0, 64))] {
        return fail(
            Errc::invalid,
            "\"" + whole + "\" is not an RFC 3339 time; write one like 2026-01-31T12:00:00Z"
        );
    };
    int const year = read_digits(text, 4);
    if (year < 1970 || !read_char(text, "-")) return bad();
    int const month = read_digits(text, 2);
    if (month < 1 || !read_char(text, "-")) return bad();
    int const day = read_digits(text, 2);
    if (day < 1 || !read_char(text, "Tt ")) return bad();
    int const hours = read_digits(text, 2);
    if (hours < 0 || hours > 23 || !read_char(text, ":")) return bad();
    int const minutes = read_digits(text, 2);
    if (minutes < 0 || minutes > 59 || !read_char(text, ":")) return bad();
    int const seconds = read_digits(text, 2);
    if (seconds < 0 || seconds > 60) return bad();
    int const micros = read_fraction(text);
    std::chrono::minutes offset{0};
    if (micros < 0 || !read_offset(text, offset)) return bad();

    std::chrono::year_month_day const date{
        std::chrono::year(year), std::chrono::month(unsigned(month)),
        std::chrono::day(unsigned(day))
    };
    if (!date.ok()) return bad();
    return WallTime(
        std::chrono::sys_days(date) + std::chrono::hours(hours) + std::chrono::minutes(minutes) +
        std::chrono::seconds(seconds) + std::chrono::microseconds(micros) - offset
    );
}

Result<Duration> parse_duration(std::string_view text) {
    auto const bad = [whole = std::string(text.substr(0, 64))] {
        return fail(
            Errc::invalid,
            "\"" + whole + "\" is not a duration; write one like 500ms, 30s, 5m, 1h30m or 1d"
        );
    };
    if (text.empty()) return bad();
    double total = 0;
    while (!text.empty()) {
        double number = 0;
        auto const [end, code] = std::from_chars(
            text.data(), text.data() + text.size(), number, std::chars_format::fixed
        );
        if (code != std::errc{} || number < 0) return bad();
        text.remove_prefix(std::size_t(end - text.data()));
        std::size_t letters = 0;
        while (letters < text.size() && text[letters] >= 'a' && text[letters] <= 'z') ++letters;
        Unit const* const unit = find_unit(text.substr(0, letters));
        if (unit == nullptr) return bad();
        text.remove_prefix(letters);
        total += number * double(unit->size.count());
    }
    // Half of the range leaves room for arithmetic with instants.
    if (total > double(std::numeric_limits<Duration::rep>::max() / 2)) return bad();
    return Duration(Duration::rep(std::llround(total)));
}

std::string format_duration(Duration duration) {
    if (duration == Duration::zero()) return "0s";
    std::string out = duration < Duration::zero() ? "-" : "";
    Duration rest = duration < Duration::zero() ? -duration : duration;
    for (auto const& unit : units) {
        if (unit.name == "w") continue;
        auto const count = rest / unit.size;
        if (count == 0) continue;
        out += std::to_string(count);
        out += unit.name;
        rest -= count * unit.size;
    }
    return out;
}

std::string format_human(Duration duration) {
    Duration const abs = duration < Duration::zero() ? -duration : duration;
    std::array<char, 48> buffer{};
    auto const print = [&](char const* format, auto... values) {
        std::snprintf(buffer.data(), buffer.size(), format, values...);
        return (duration < Duration::zero() ? "-" : "") + std::string(buffer.data());
    };
    double const seconds = std::chrono::duration<double>(abs).count();
    if (abs < 1s) return print("%.0f ms", seconds * 1000);
    if (abs < 1min) return print("%.1f s", seconds);
    auto const whole = std::chrono::round<std::chrono::seconds>(abs).count();
    if (abs < 1h) return print("%lld min %lld s", (long long)(whole / 60), (long long)(whole % 60));
    if (abs < 24h)
        return print("%lld h %lld min", (long long)(whole / 3600), (long long)(whole / 60 % 60));
    return print("%lld d %lld h", (long long)(whole / 86400), (long long)(whole / 3600 % 24));
}

}  // namespace rollbackd

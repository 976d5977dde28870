#include "triggers/sources/access_log_fields.hpp"

#include "core/percent.hpp"
#include "core/scalar.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace rollbackd {

namespace {

template <class Number>
std::optional<Number> number_of(std::string_view text) {
    Number value{};
    auto const [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<WallTime> epoch_time(double seconds) {
    if (!std::isfinite(seconds) || seconds < 0) return std::nullopt;
    // Milli-, micro- and nanoseconds since 1970 are told by their size.
    for (int i = 0; i < 3 && seconds > 1e11; ++i) seconds /= 1000;
    if (seconds > 1e11) return std::nullopt;
    return WallTime(std::chrono::microseconds(std::llround(seconds * 1e6)));
}

// 31/Jan/2026:12:00:00 +0100
std::optional<WallTime> log_time_of(std::string_view text) {
    constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    if (text.size() != 26 || text[2] != '/' || text[6] != '/' || text[11] != ':') {
        return std::nullopt;
    }
    unsigned month = 0;
    while (month < months.size() && months[month] != text.substr(3, 3)) ++month;
    if (month == months.size()) return std::nullopt;
    // Handed on in the form whose reader checks every digit and the calendar.
    std::string const number = (month < 9 ? "0" : "") + std::to_string(month + 1);
    std::string rfc(text.substr(7, 4));
    rfc += "-" + number + "-" + std::string(text.substr(0, 2)) + "T";
    rfc += std::string(text.substr(12, 8)) + std::string(text.substr(21, 3)) + ":" +
           std::string(text.substr(24, 2));
    auto const time = parse_rfc3339(rfc);
    if (!time) return std::nullopt;
    return *time;
}

}  // namespace

std::string unescape(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        bool const escaped = text[i] == '\\' && i + 1 < text.size();
        if (escaped && text[i + 1] == 'x' && i + 3 < text.size() && hex_digit(text[i + 3]) >= 0 &&
            hex_digit(text[i + 2]) >= 2) {
            out.push_back(static_cast<char>(hex_digit(text[i + 2]) * 16 + hex_digit(text[i + 3])));
            i += 3;
        } else if (escaped && (text[i + 1] == '"' || text[i + 1] == '\\')) {
            out.push_back(text[++i]);
        } else {
            out.push_back(text[i]);
        }
    }
    return out;
}

void set_target(LogLine& line, std::string_view target) {
    if (auto const scheme = target.find("://"); scheme != target.npos && scheme < 8) {
        target.remove_prefix(scheme + 3);
        auto const slash = std::min(target.find('/'), target.size());
        if (line.host.empty()) line.host = std::string(target.substr(0, slash));
        target.remove_prefix(slash);
    }
    auto const mark = target.find('?');
    line.path = std::string(target.substr(0, mark));
    if (mark != target.npos) line.query = std::string(target.substr(mark + 1));
}

void set_request(LogLine& line, std::string_view request) {
    auto const space = request.find(' ');
    if (space == request.npos || space == 0) return;
    for (char const c : request.substr(0, space)) {
        if (c < 'A' || c > 'z') return;
    }
    line.method = std::string(request.substr(0, space));
    auto target = request.substr(space + 1);
    if (auto const version = target.rfind(" HTTP/"); version != target.npos) {
        target = target.substr(0, version);
    }
    set_target(line, target);
}

std::optional<double> number_in(std::string_view text) {
    auto const number = number_of<double>(text);
    return number && std::isfinite(*number) ? number : std::nullopt;
}

int status_in(std::string_view text) {
    auto const status = number_of<int>(text);
    return status && *status >= 100 && *status < 600 ? *status : 0;
}

std::optional<WallTime> time_in(std::string_view text) {
    if (auto const rfc = parse_rfc3339(text)) return *rfc;
    if (auto const time = log_time_of(text)) return time;
    if (auto const seconds = number_in(text)) return time_in(*seconds);
    return std::nullopt;
}

std::optional<WallTime> time_in(double seconds) { return epoch_time(seconds); }

}  // namespace rollbackd

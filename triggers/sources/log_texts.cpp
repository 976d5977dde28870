#include "triggers/sources/log_texts.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

constexpr std::size_t frame_head_bytes = 8;
constexpr std::size_t stamp_bytes_max = 40;

std::string_view take_line(std::string_view& rest) {
    auto const line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    return line;
}

/// A message that is no UTF-8 comes as a list of bytes.
std::optional<std::string> message_of(Json const& entry) {
    auto const* const message = find(entry, "MESSAGE");
    if (message == nullptr) return std::nullopt;
    if (message->is_string()) return std::string(message->get_string());
    if (!message->is_array()) return std::nullopt;
    std::string bytes;
    for (auto const& byte : message->get_array()) {
        if (!byte.is_int64() || byte.get_int64() < 0 || byte.get_int64() > 255) return std::nullopt;
        bytes += static_cast<char>(byte.get_int64());
    }
    return bytes;
}

std::optional<WallTime> micros(std::string const& text) {
    constexpr std::size_t digits_max = 17;
    bool const number = !text.empty() && text.size() <= digits_max &&
                        text.find_first_not_of("0123456789") == std::string::npos;
    if (!number) return std::nullopt;
    return WallTime(std::chrono::microseconds(std::stoll(text)));
}

/// A frame begins with its stream (0 to 2) and three zeros, then its length.
bool is_framed(std::string_view body) {
    return body.size() >= frame_head_bytes && static_cast<unsigned char>(body[0]) <= 2 &&
           body[1] == 0 && body[2] == 0 && body[3] == 0;
}

std::size_t frame_length(std::string_view head) {
    std::size_t length = 0;
    for (std::size_t i = 4; i < frame_head_bytes; ++i) {
        length = length << 8U | static_cast<unsigned char>(head[i]);
    }
    return length;
}

void add_lines(std::string_view text, ContainerLines& out) {
    while (!text.empty()) {
        auto const line = take_line(text);
        auto const stamp = line.substr(0, line.find(' '));
        auto const time =
            stamp.size() <= stamp_bytes_max ? parse_rfc3339(stamp) : fail(Errc::invalid, "no time");
        if (!time || stamp.size() == line.size()) {
            ++out.unreadable;
            continue;
        }
        auto words = line.substr(stamp.size() + 1);
        if (words.ends_with('\r')) words.remove_suffix(1);
        out.lines.push_back({std::string(stamp), {*time, std::string(words)}});
    }
}

}  // namespace

JournalLines parse_journal(std::string_view text) {
    JournalLines out;
    while (!text.empty()) {
        auto const line = take_line(text);
        if (line.empty()) continue;
        auto const entry = parse_json(line);
        auto message = entry ? message_of(*entry) : std::nullopt;
        auto cursor = entry ? text_of(*entry, "__CURSOR") : std::string();
        if (!cursor.empty()) out.cursor = cursor;
        if (!message) {
            ++out.unreadable;
            continue;
        }
        RawLine said{micros(text_of(*entry, "__REALTIME_TIMESTAMP")), std::move(*message)};
        out.lines.push_back({std::move(cursor), std::move(said)});
    }
    return out;
}

ContainerLines parse_container_log(std::string_view body) {
    ContainerLines out;
    if (!is_framed(body)) {
        add_lines(body, out);
    } else {
        while (is_framed(body)) {
            auto const length = frame_length(body);
            body.remove_prefix(frame_head_bytes);
            auto const whole = length <= body.size();
            if (whole) add_lines(body.substr(0, length), out);
            if (!whole) ++out.unreadable;
            body.remove_prefix(std::min(length, body.size()));
        }
        if (!body.empty()) ++out.unreadable;
    }
    // Two streams are each in order, not together.
    std::stable_sort(out.lines.begin(), out.lines.end(), [](auto const& a, auto const& b) {
        return a.stamp < b.stamp;
    });
    return out;
}

std::string unix_stamp(std::string_view stamp) {
    auto const time = parse_rfc3339(stamp);
    if (!time) return {};
    auto const whole = std::chrono::floor<std::chrono::seconds>(time->time_since_epoch());
    auto const dot = stamp.find('.');
    std::string digits = "0";
    if (dot != std::string_view::npos) {
        auto const rest = stamp.substr(dot + 1);
        digits = rest.substr(0, std::min<std::size_t>(rest.find_first_not_of("0123456789"), 9));
    }
    return std::to_string(whole.count()) + "." + digits;
}

}  // namespace rollbackd

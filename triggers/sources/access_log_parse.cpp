#include "triggers/sources/access_log_parse.hpp"

#include "core/scalar.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace rollbackd {

namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// nginx writes what is not plain text as \xNN, Apache also \" and \\. Control characters stay
// escaped: nothing that is matched or shown needs them.
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

std::string decode_query(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
            hex_digit(text[i + 2]) >= 0) {
            out.push_back(static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])));
            i += 2;
        } else {
            out.push_back(text[i] == '+' ? ' ' : text[i]);
        }
    }
    return out;
}

template <class Number>
std::optional<Number> number_of(std::string_view text) {
    Number value{};
    auto const [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// Answers a server can give; 0 for everything else ("-", 000 of a broken connection, 700).
int valid_status(int status) { return status >= 100 && status < 600 ? status : 0; }

// 31/Jan/2026:12:00:00 +0100
std::optional<WallTime> parse_log_time(std::string_view text) {
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

// The target of a request: a path, perhaps with a query string, perhaps behind scheme and host.
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

// "GET /path?query HTTP/1.1"; garbage that is no request leaves all three empty.
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

// The first `"` that no backslash escapes, from `from` on.
std::size_t find_quote(std::string_view text, std::size_t from) {
    for (std::size_t i = from; i < text.size(); ++i) {
        if (text[i] == '\\') {
            ++i;
        } else if (text[i] == '"') {
            return i;
        }
    }
    return std::string_view::npos;
}

// "client ident user" or, of Apache's vhost_combined, "host:port client ident user". A user's name
// may hold spaces, so only the front is looked at.
void set_front(LogLine& line, std::string_view front) {
    auto const next = [&front] {
        auto const space = std::min(front.find(' '), front.size());
        auto const word = front.substr(0, space);
        front.remove_prefix(std::min(space + 1, front.size()));
        return word;
    };
    auto const first = next(), second = next(), third = next();
    if (second != "-" && third == "-") {
        line.host = std::string(first.substr(0, first.rfind(':')));
        line.client = std::string(second);
    } else {
        line.client = std::string(first);
    }
    if (line.client == "-") line.client.clear();
}

std::optional<LogLine> parse_combined(std::string_view text) {
    // The first open quote begins the request: whatever a client sent before it (a user's name) has
    // its own quotes escaped, so nobody can forge one.
    auto const quote = find_quote(text, 0);
    if (quote == text.npos) return std::nullopt;
    auto const quote_end = find_quote(text, quote + 1);
    auto const front = text.substr(0, quote);
    auto const open = front.rfind(" [");
    auto const close = front.rfind("] ");
    if (quote_end == text.npos || open == front.npos || close == front.npos || close < open) {
        return std::nullopt;
    }
    LogLine line;
    line.time = parse_log_time(front.substr(open + 2, close - open - 2));
    if (!line.time) return std::nullopt;
    set_front(line, front.substr(0, open));
    set_request(line, unescape(text.substr(quote + 1, quote_end - quote - 1)));
    auto rest = text.substr(quote_end + 1);
    if (rest.empty() || rest.front() != ' ') return std::nullopt;
    rest.remove_prefix(1);
    auto const word = rest.substr(0, rest.find(' '));
    if (word == "-") return line;
    auto const status = number_of<int>(word);
    if (!status) return std::nullopt;
    line.status = valid_status(*status);
    return line;
}

Json const* member(Json const& json, std::string_view key) {
    if (key.starts_with('/')) return find_pointer(json, key);
    return find(json, key);
}

// The configured member, else the first usual one that is there.
Json const* any_member(
    Json const& json, std::string const& configured, std::initializer_list<std::string_view> usual
) {
    if (!configured.empty()) return member(json, configured);
    for (auto const key : usual) {
        if (auto const* const found = member(json, key)) return found;
    }
    return nullptr;
}

std::string text_in(Json const* json) {
    if (json == nullptr || json->is_null() || json->is_structured()) return {};
    auto text = scalar_text(*json);
    return text == "-" ? std::string() : text;
}

std::optional<WallTime> epoch_time(double seconds) {
    if (!std::isfinite(seconds) || seconds < 0) return std::nullopt;
    // Milli-, micro- and nanoseconds since 1970 are told by their size.
    for (int i = 0; i < 3 && seconds > 1e11; ++i) seconds /= 1000;
    if (seconds > 1e11) return std::nullopt;
    return WallTime(std::chrono::microseconds(std::llround(seconds * 1e6)));
}

std::optional<WallTime> time_in(Json const* json) {
    if (json == nullptr) return std::nullopt;
    if (json->is_number()) return epoch_time(json->to_number<double>());
    auto const text = text_in(json);
    if (auto const rfc = parse_rfc3339(text)) return *rfc;
    if (auto const time = parse_log_time(text)) return time;
    if (auto const seconds = number_of<double>(text)) return epoch_time(*seconds);
    return std::nullopt;
}

int status_in(Json const* json) {
    auto const text = text_in(json);
    auto const status = number_of<int>(text);
    return status ? valid_status(*status) : 0;
}

std::optional<LogLine> parse_json_line(std::string_view text, LogKeys const& keys) {
    auto json = parse_json(text);
    if (!json || !json->is_object()) return std::nullopt;
    LogLine line;
    line.time = time_in(any_member(
        *json, keys.time,
        {"time_iso8601", "time", "ts", "timestamp", "@timestamp", "msec", "time_local", "StartUTC"}
    ));
    line.status = status_in(any_member(
        *json, keys.status, {"status", "status_code", "response_code", "DownstreamStatus"}
    ));
    line.host = text_in(any_member(
        *json, keys.host, {"host", "http_host", "/request/host", "server_name", "RequestHost"}
    ));
    line.client = text_in(any_member(
        *json, keys.client,
        {"remote_addr", "client", "client_ip", "remote_ip", "/request/client_ip",
         "/request/remote_ip", "ClientHost"}
    ));
    auto const target = text_in(any_member(
        *json, keys.path, {"request_uri", "uri", "path", "/request/uri", "url", "RequestPath"}
    ));
    if (!target.empty()) {
        set_target(line, target);
    } else if (keys.path.empty()) {
        set_request(line, text_in(find(*json, "request")));  // nginx's $request, whole
    }
    auto const method = text_in(any_member(
        *json, keys.method, {"method", "request_method", "/request/method", "RequestMethod"}
    ));
    if (!method.empty()) line.method = method;
    auto const query = text_in(any_member(*json, keys.query, {"args", "query", "query_string"}));
    if (line.query.empty()) line.query = query.starts_with('?') ? query.substr(1) : query;
    line.json = std::move(*json);
    return line;
}

}  // namespace

std::optional<LogLine> parse_log_line(
    std::string_view text, LogFormat format, LogKeys const& keys
) {
    bool const is_json =
        format == LogFormat::json || (format == LogFormat::auto_ && text.starts_with('{'));
    return is_json ? parse_json_line(text, keys) : parse_combined(text);
}

std::optional<std::string> query_value(std::string_view query, std::string_view key) {
    while (!query.empty()) {
        auto const end = std::min(query.find('&'), query.size());
        auto const pair = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        auto const equals = std::min(pair.find('='), pair.size());
        if (decode_query(pair.substr(0, equals)) != key) continue;
        return decode_query(pair.substr(std::min(equals + 1, pair.size())));
    }
    return std::nullopt;
}

}  // namespace rollbackd

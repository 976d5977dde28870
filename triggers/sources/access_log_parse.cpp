#include "triggers/sources/access_log_parse.hpp"

#include "core/scalar.hpp"
#include "triggers/sources/access_log_fields.hpp"

#include <charconv>

namespace rollbackd {

namespace {

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
void set_front(LogLine& line, std::string_view front, LogFormat format) {
    auto const next = [&front] {
        auto const space = std::min(front.find(' '), front.size());
        auto const word = front.substr(0, space);
        front.remove_prefix(std::min(space + 1, front.size()));
        return word;
    };
    auto const first = next(), second = next(), third = next();
    bool const looks_so = second != "-" && third == "-";
    if (format == LogFormat::vhost_combined || (format != LogFormat::common && looks_so)) {
        line.host = std::string(first.substr(0, first.rfind(':')));
        line.client = std::string(second);
    } else {
        line.client = std::string(first);
    }
    if (line.client == "-") line.client.clear();
}

bool is_whole_number(std::string_view text) {
    int number = 0;
    auto const [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    return code == std::errc{} && end == text.data() + text.size();
}

std::optional<LogLine> parse_combined(std::string_view text, LogFormat format) {
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
    line.time = time_in(front.substr(open + 2, close - open - 2));
    if (!line.time) return std::nullopt;
    set_front(line, front.substr(0, open), format);
    set_request(line, unescape(text.substr(quote + 1, quote_end - quote - 1)));
    auto rest = text.substr(quote_end + 1);
    if (rest.empty() || rest.front() != ' ') return std::nullopt;
    rest.remove_prefix(1);
    auto const word = rest.substr(0, rest.find(' '));
    if (word == "-") return line;
    if (!is_whole_number(word)) return std::nullopt;
    line.status = status_in(word);
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

std::optional<WallTime> time_of(Json const* json) {
    if (json == nullptr) return std::nullopt;
    if (json->is_number()) return time_in(json->to_number<double>());
    return time_in(std::string_view(text_in(json)));
}

std::optional<LogLine> parse_json_line(std::string_view text, LogKeys const& keys) {
    auto json = parse_json(text);
    if (!json || !json->is_object()) return std::nullopt;
    LogLine line;
    line.time = time_of(any_member(
        *json, keys.time,
        {"time_iso8601", "time", "ts", "timestamp", "@timestamp", "msec", "time_local", "StartUTC"}
    ));
    line.status = status_in(text_in(any_member(
        *json, keys.status, {"status", "status_code", "response_code", "DownstreamStatus"}
    )));
    line.latency = number_in(text_in(
        any_member(*json, keys.latency, {"request_time", "latency", "duration", "response_time"})
    ));
    line.id = text_in(any_member(*json, keys.id, {}));
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

std::string member_text(Json const& json, std::string_view name) {
    return json.is_object() ? text_in(member(json, name)) : std::string();
}

std::optional<LogLine> parse_log_line(
    std::string_view text, LogFormat format, LogKeys const& keys
) {
    bool const is_json =
        format == LogFormat::json || (format == LogFormat::auto_ && text.starts_with('{'));
    return is_json ? parse_json_line(text, keys) : parse_combined(text, format);
}

}  // namespace rollbackd

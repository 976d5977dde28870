// One line of an access log as fields: nginx's and Apache's combined and common format (also with a
// virtual host before it or more fields after it), or one JSON object a line. Lines of any other
// form are access_log_pattern.hpp's. Pure; keeps nothing.
#pragma once

#include "core/json.hpp"

#include <map>
#include <optional>

namespace rollbackd {

enum class LogFormat {
    auto_,  // line by line: what begins with `{` is JSON
    combined,
    common,
    vhost_combined,  // "host:port " first, whatever follows
    json,
};
BOOST_DESCRIBE_ENUM(LogFormat, auto_, combined, common, vhost_combined, json)

/// Names of JSON members to look at before the usual ones: `status`, or `/response/status`.
struct LogKeys {
    std::string time, status, method, path, query, host, client, latency, id;

    friend bool operator==(LogKeys const&, LogKeys const&) = default;
};
BOOST_DESCRIBE_STRUCT(LogKeys, (), (time, status, method, path, query, host, client, latency, id))

struct LogLine {
    std::optional<WallTime> time;
    int status = 0;  // 0: the line has none
    std::string method;
    std::string path;   // without the query string
    std::string query;  // without the `?`
    std::string host;
    std::string client;
    std::optional<double> latency;             // as it stands there, in the log's own unit
    std::string id;                            // of the event; empty: not known
    std::map<std::string, std::string> named;  // a pattern's groups that the signal asks for
    Json json;                                 // the whole object where the line is JSON; else null

    friend bool operator==(LogLine const&, LogLine const&) = default;
};

/// nullopt: not a line of that format.
std::optional<LogLine> parse_log_line(std::string_view line, LogFormat format, LogKeys const& keys);

/// A member's text, by name or pointer; empty where there is none, or no scalar.
std::string member_text(Json const& json, std::string_view name);

}  // namespace rollbackd

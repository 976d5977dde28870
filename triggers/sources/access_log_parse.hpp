// One line of an access log as fields: nginx's and Apache's combined format (also with a virtual
// host before it or more fields after it), or one JSON object a line. Pure; keeps nothing.
#pragma once

#include "core/json.hpp"

#include <optional>

namespace rollbackd {

enum class LogFormat {
    auto_,  // line by line: what begins with `{` is JSON
    combined,
    json,
};
BOOST_DESCRIBE_ENUM(LogFormat, auto_, combined, json)

/// Names of JSON members to look at before the usual ones: `status`, or `/response/status`.
struct LogKeys {
    std::string time, status, method, path, query, host, client;

    friend bool operator==(LogKeys const&, LogKeys const&) = default;
};
BOOST_DESCRIBE_STRUCT(LogKeys, (), (time, status, method, path, query, host, client))

struct LogLine {
    std::optional<WallTime> time;
    int status = 0;  // 0: the line has none
    std::string method;
    std::string path;   // without the query string
    std::string query;  // without the `?`
    std::string host;
    std::string client;
    Json json;  // the whole object where the line is JSON; else null

    friend bool operator==(LogLine const&, LogLine const&) = default;
};

/// nullopt: not a line of that format.
std::optional<LogLine> parse_log_line(std::string_view line, LogFormat format, LogKeys const& keys);

/// The value of `key` in a query string, decoded; nullopt where it is absent.
std::optional<std::string> query_value(std::string_view query, std::string_view key);

}  // namespace rollbackd

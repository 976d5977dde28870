// What single fields of an access log's line say, however the line is built: a target, a request, a
// time, a status. Pure; shared by access_log_parse.cpp and access_log_pattern.cpp.
#pragma once

#include "triggers/sources/access_log_parse.hpp"

namespace rollbackd {

/// The target of a request: a path, perhaps with a query string, perhaps behind scheme and host.
void set_target(LogLine& line, std::string_view target);
/// "GET /path?query HTTP/1.1"; garbage that is no request leaves all three empty.
void set_request(LogLine& line, std::string_view request);
/// nginx writes what is not plain text as \xNN, Apache also \" and \\. Control characters stay
/// escaped: nothing that is matched or shown needs them.
std::string unescape(std::string_view text);

/// Finite, and nothing beside it.
std::optional<double> number_in(std::string_view text);
/// An answer a server can give; 0 for everything else ("-", 000 of a broken connection, 700).
int status_in(std::string_view text);
/// RFC 3339, 31/Jan/2026:12:00:00 +0100, or seconds since 1970 (also milli-, micro-, nanoseconds).
std::optional<WallTime> time_in(std::string_view text);
std::optional<WallTime> time_in(double seconds);

}  // namespace rollbackd

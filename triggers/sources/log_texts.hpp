// What logs look like on their way to us: the journal's JSON lines, and a container's log as the
// engine's API sends it. Pure; any bytes are read or left out.
#pragma once

#include "triggers/sources/log_match.hpp"

namespace rollbackd {

/// Lines of `journalctl -o json`.
struct JournalLine {
    std::string cursor;
    RawLine line;
};
struct JournalLines {
    std::vector<JournalLine> lines;
    std::string cursor;          // of the last entry, readable or not; empty: there was none
    std::size_t unreadable = 0;  // no JSON, or without a message
};
JournalLines parse_journal(std::string_view text);

/// The body of /containers/NAME/logs?timestamps=1, framed (one stream beside the other) or plain (a
/// terminal). Each line begins with its time.
struct ContainerLine {
    std::string stamp;  // as the engine wrote it: nanoseconds, in UTC, so that it sorts as text
    RawLine line;
};
struct ContainerLines {
    std::vector<ContainerLine> lines;
    std::size_t unreadable = 0;  // without a time, or cut
};
ContainerLines parse_container_log(std::string_view body);

/// "2026-01-31T12:00:00.123456789Z" as "1769860800.123456789", for `since`; empty where it is none.
std::string unix_stamp(std::string_view stamp);

}  // namespace rollbackd

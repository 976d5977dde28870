// The daemon's log: one line an event on stderr, `event key=value …`, with systemd's priority
// prefix where stderr is the journal. Only the daemon's root folder logs.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace rollbackd {

enum class LogLevel { debug, info, warning, error };

using LogFields = std::initializer_list<std::pair<std::string_view, std::string>>;

/// `level`: debug, info, warning or error.
void open_log(std::string const& level);
/// Once it is open: a reload may say more or less.
void set_log_level(std::string const& level);
void log(LogLevel level, std::string_view event, LogFields fields = {});

}  // namespace rollbackd

// The daemon's log: one line an event, `event key=value …`, on stderr; where stderr is systemd's
// journal the line goes there with a field for each key. Only the daemon's root folder logs.
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
/// Whether a line of this level is written at all.
bool logs(LogLevel level);
/// Fields without a value are left out.
void log(LogLevel level, std::string_view event, LogFields fields = {});

}  // namespace rollbackd

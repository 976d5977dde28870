// Crontabs as text: which lines are jobs. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rollbackd {

inline constexpr std::size_t cron_lines_max = 10'000;

/// A crontab's jobs as they stand there: comments, settings and blank lines left out.
std::vector<std::string> parse_cron(std::string_view text);

}  // namespace rollbackd

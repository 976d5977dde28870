#include "triggers/probes/cron_lines.hpp"

#include "triggers/probes/host_texts.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

/// minute hour day month weekday, or @daily and its like.
bool is_schedule(std::string_view line) {
    if (line.starts_with('@')) return true;
    constexpr std::string_view allowed =
        "0123456789*,-/~ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    for (int column = 0; column < 5; ++column) {
        auto const word = take_word(line);
        if (word.empty() || word.find_first_not_of(allowed) != std::string_view::npos) return false;
    }
    return !take_word(line).empty();
}

/// NAME=value comes before any schedule's first blank.
bool is_setting(std::string_view line) {
    auto const equals = line.find('=');
    return equals != std::string_view::npos && equals < line.find_first_of(" \t*");
}

}  // namespace

std::vector<std::string> parse_cron(std::string_view text) {
    std::vector<std::string> jobs;
    while (!text.empty() && jobs.size() < cron_lines_max) {
        auto line = take_line(text);
        auto const from = line.find_first_not_of(" \t");
        if (from == std::string_view::npos) continue;
        line.remove_prefix(from);
        if (line.starts_with('#') || is_setting(line) || !is_schedule(line)) continue;
        jobs.emplace_back(line);
    }
    return jobs;
}

}  // namespace rollbackd

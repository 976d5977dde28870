#include "daemon/log.hpp"

#include "core/json.hpp"
#include "core/names.hpp"
#include "daemon/journald.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>
#include <cstdlib>
#include <memory>
#include <vector>

namespace rollbackd {

namespace {

constexpr std::size_t field_max = 2000;

bool needs_quotes(std::string_view text) {
    if (text.empty()) return true;
    return text.find_first_of(" =\"\n\t\\") != std::string_view::npos;
}

spdlog::level::level_enum level_of(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return spdlog::level::debug;
        case LogLevel::info:
            return spdlog::level::info;
        case LogLevel::warning:
            return spdlog::level::warn;
        case LogLevel::error:
            return spdlog::level::err;
    }
    return spdlog::level::info;
}

// As syslog(3) counts them.
int priority_of(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return 7;
        case LogLevel::info:
            return 6;
        case LogLevel::warning:
            return 4;
        case LogLevel::error:
            return 3;
    }
    return 6;
}

std::unique_ptr<JournaldSocket> journal;

}  // namespace

void set_log_level(std::string const& level) { spdlog::set_level(spdlog::level::from_str(level)); }

void open_log(std::string const& level) {
    auto logger = spdlog::stderr_logger_st("rollbackd");
    if (is_journal(std::getenv("JOURNAL_STREAM"), STDERR_FILENO)) {
        journal = std::make_unique<JournaldSocket>();
    }
    logger->set_pattern(
        journal ? "%v" : "%Y-%m-%dT%H:%M:%S.%fZ %l %v", spdlog::pattern_time_type::utc
    );
    logger->set_level(spdlog::level::from_str(level));
    logger->flush_on(spdlog::level::trace);
    spdlog::set_default_logger(std::move(logger));
}

bool logs(LogLevel level) { return spdlog::should_log(level_of(level)); }

void log(LogLevel level, std::string_view event, LogFields fields) {
    if (!logs(level)) return;
    std::string line(event);
    std::vector<std::pair<std::string_view, std::string>> told;
    for (auto const& [key, value] : fields) {
        auto text = printable(value, field_max);
        if (text.empty()) continue;
        line += " ";
        line += key;
        line += "=";
        line += needs_quotes(text) ? to_text(to_json(text)) : text;
        told.emplace_back(key, std::move(text));
    }
    auto const priority = priority_of(level);
    if (journal && journal->send(journald_entry(priority, line, event, told))) return;
    // sd-daemon(3): the journal reads "<6>" as the line's priority.
    if (journal) line.insert(0, "<" + std::to_string(priority) + ">");
    spdlog::log(level_of(level), "{}", line);
}

}  // namespace rollbackd

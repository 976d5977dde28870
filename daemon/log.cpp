#include "daemon/log.hpp"

#include "core/json.hpp"
#include "core/names.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <cstdlib>

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

// sd-daemon(3): the journal reads "<6>" as the line's priority.
char const* priority_of(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return "<7>";
        case LogLevel::info:
            return "<6>";
        case LogLevel::warning:
            return "<4>";
        case LogLevel::error:
            return "<3>";
    }
    return "";
}

bool to_journal = false;

}  // namespace

void set_log_level(std::string const& level) { spdlog::set_level(spdlog::level::from_str(level)); }

void open_log(std::string const& level) {
    auto logger = spdlog::stderr_logger_st("rollbackd");
    to_journal = std::getenv("JOURNAL_STREAM") != nullptr;
    logger->set_pattern(
        to_journal ? "%v" : "%Y-%m-%dT%H:%M:%S.%fZ %l %v", spdlog::pattern_time_type::utc
    );
    logger->set_level(spdlog::level::from_str(level));
    logger->flush_on(spdlog::level::trace);
    spdlog::set_default_logger(std::move(logger));
}

void log(LogLevel level, std::string_view event, LogFields fields) {
    if (!spdlog::should_log(level_of(level))) return;
    std::string line = to_journal ? priority_of(level) : "";
    line += event;
    for (auto const& [key, value] : fields) {
        auto const text = printable(value, field_max);
        line += " ";
        line += key;
        line += "=";
        line += needs_quotes(text) ? to_text(to_json(text)) : text;
    }
    spdlog::log(level_of(level), "{}", line);
}

}  // namespace rollbackd

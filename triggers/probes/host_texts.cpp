#include "triggers/probes/host_texts.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace rollbackd {

namespace {

constexpr std::string_view blanks = " \t\r\n";
constexpr std::uint64_t kibibyte = 1024;
constexpr std::uint64_t bytes_max = std::uint64_t(1) << 60U;
/// Of /proc/stat's columns: idle and iowait are not busy; guest time is within user time.
constexpr std::size_t idle_column = 3;
constexpr std::size_t wait_column = 4;
constexpr std::size_t columns_counted = 8;

bool is_processor(std::string_view name) {
    return name.size() > 3 && name.starts_with("cpu") && whole_number(name.substr(3));
}

}  // namespace

std::string_view take_word(std::string_view& rest) {
    auto const from = rest.find_first_not_of(blanks);
    if (from == std::string_view::npos) {
        rest = {};
        return {};
    }
    rest.remove_prefix(from);
    auto const word = rest.substr(0, rest.find_first_of(blanks));
    rest.remove_prefix(word.size());
    return word;
}

std::string_view take_line(std::string_view& rest) {
    auto const line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() < rest.size() ? line.size() + 1 : line.size());
    return line;
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
    std::uint64_t value = 0;
    auto const* const last = text.data() + text.size();
    auto const [end, code] = std::from_chars(text.data(), last, value);
    if (text.empty() || code != std::errc() || end != last) return std::nullopt;
    return value;
}

std::optional<double> real_number(std::string_view text) {
    double value = 0;
    auto const* const last = text.data() + text.size();
    auto const [end, code] = std::from_chars(text.data(), last, value);
    if (text.empty() || code != std::errc() || end != last) return std::nullopt;
    if (!std::isfinite(value)) return std::nullopt;
    return value;
}

Result<Memory> parse_meminfo(std::string_view text) {
    Memory memory;
    struct Wanted {
        std::string_view name;
        std::uint64_t& value;
        bool seen = false;
    };
    std::array<Wanted, 4> wanted{
        Wanted{"MemTotal:", memory.total},
        Wanted{"MemAvailable:", memory.available},
        Wanted{"SwapTotal:", memory.swap_total},
        Wanted{"SwapFree:", memory.swap_free},
    };
    while (!text.empty()) {
        auto line = take_line(text);
        auto const name = take_word(line);
        for (auto& entry : wanted) {
            if (entry.name != name) continue;
            auto const value = whole_number(take_word(line));
            if (!value || *value > bytes_max / kibibyte) continue;
            entry.value = *value * kibibyte;
            entry.seen = true;
        }
    }
    for (auto const& entry : wanted) {
        if (entry.seen) continue;
        return fail(Errc::invalid, "no number at " + std::string(entry.name) + " in meminfo");
    }
    bool const sound = memory.total > 0 && memory.available <= memory.total &&
                       memory.swap_free <= memory.swap_total;
    if (!sound) return fail(Errc::invalid, "meminfo's numbers contradict each other");
    return memory;
}

Result<std::vector<double>> parse_loadavg(std::string_view text) {
    std::vector<double> averages;
    for (int i = 0; i < 3; ++i) {
        auto const value = real_number(take_word(text));
        if (!value || *value < 0) return fail(Errc::invalid, "loadavg does not begin with numbers");
        averages.push_back(*value);
    }
    return averages;
}

Result<ProcessorTime> parse_proc_stat(std::string_view text) {
    ProcessorTime time;
    bool seen = false;
    while (!text.empty()) {
        auto line = take_line(text);
        auto const name = take_word(line);
        if (is_processor(name)) ++time.processors;
        if (name != "cpu") continue;
        for (std::size_t column = 0; column < columns_counted; ++column) {
            auto const ticks = whole_number(take_word(line));
            if (!ticks || *ticks > bytes_max) break;
            seen = column >= wait_column;
            time.all += *ticks;
            if (column != idle_column && column != wait_column) time.busy += *ticks;
        }
    }
    if (!seen) return fail(Errc::invalid, "no line of processors in stat");
    return time;
}

Result<double> parse_pressure(
    std::string_view text, std::string_view who, std::string_view window
) {
    while (!text.empty()) {
        auto line = take_line(text);
        if (take_word(line) != who) continue;
        while (true) {
            auto const word = take_word(line);
            if (word.empty()) break;
            auto const equals = word.find('=');
            if (word.substr(0, equals) != window || equals == std::string_view::npos) continue;
            auto const percent = real_number(word.substr(equals + 1));
            if (percent && *percent >= 0 && *percent <= 100) return *percent / 100;
        }
    }
    return fail(
        Errc::invalid,
        "no " + std::string(who) + " " + std::string(window) + " in the kernel's pressure"
    );
}

std::vector<ProcessLine> parse_processes(std::string_view text) {
    std::vector<ProcessLine> processes;
    while (!text.empty() && processes.size() < processes_max) {
        auto line = take_line(text);
        auto const pid = whole_number(take_word(line));
        auto const user = take_word(line);
        auto const age = whole_number(take_word(line));
        auto const memory = whole_number(take_word(line));
        if (!pid || !age || !memory || *memory > bytes_max / kibibyte) continue;
        auto const from = line.find_first_not_of(blanks);
        if (from == std::string_view::npos) continue;
        processes.push_back(
            {*pid, std::string(user), *age, *memory * kibibyte, std::string(line.substr(from))}
        );
    }
    return processes;
}

}  // namespace rollbackd

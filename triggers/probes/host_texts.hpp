// The kernel's and the system tools' own texts about a host, as numbers: /proc/meminfo, loadavg,
// stat, pressure, and ps. Pure; any bytes are read or refused with a sentence.
#pragma once

#include "core/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rollbackd {

struct Memory {
    std::uint64_t total = 0;  // bytes, like the others
    std::uint64_t available = 0;
    std::uint64_t swap_total = 0;
    std::uint64_t swap_free = 0;
};
Result<Memory> parse_meminfo(std::string_view text);

/// The three load averages, over 1, 5 and 15 minutes.
Result<std::vector<double>> parse_loadavg(std::string_view text);

/// Time of all processors since the boot, in ticks.
struct ProcessorTime {
    std::uint64_t busy = 0;
    std::uint64_t all = 0;
    unsigned processors = 0;
};
Result<ProcessorTime> parse_proc_stat(std::string_view text);

/// A share of time: `who` is some or full, `window` avg10, avg60 or avg300.
Result<double> parse_pressure(std::string_view text, std::string_view who, std::string_view window);

/// One process as `ps -eo pid=,user:32=,etimes=,rss=,args=` shows it.
struct ProcessLine {
    std::uint64_t pid = 0;
    std::string user;
    std::uint64_t age_seconds = 0;
    std::uint64_t memory = 0;  // bytes
    std::string command;       // the whole line
};
inline constexpr std::size_t processes_max = 100'000;
/// Lines that are none are left out.
std::vector<ProcessLine> parse_processes(std::string_view text);

/// The next word of `rest`, which it is taken from; empty at the end.
std::string_view take_word(std::string_view& rest);
/// The next line, without its newline.
std::string_view take_line(std::string_view& rest);
std::optional<std::uint64_t> whole_number(std::string_view text);
std::optional<double> real_number(std::string_view text);

}  // namespace rollbackd

// The files in a step's directory, shared by the supervisor that writes them and the daemon that
// reads them; see README.md for what each one proves. Header only, std and libc only.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rollbackd::step_files {

inline constexpr char const* spec_name = "spec";    // what to run; removed once claimed
inline constexpr char const* input_name = "input";  // stdin, where the spec has one; removed too
inline constexpr char const* claim_name = "claim";  // somebody has begun: never begin again
inline constexpr char const* child_name = "child";  // the process that was started
inline constexpr char const* exit_name = "exit";    // how it ended
inline constexpr char const* live_name = "live";    // what it has written so far, for onlookers
inline constexpr char const* abort_name = "abort";  // written by the daemon: stop it

/// Comes with the daemon's own SIGTERM, so that an abort is one also where its file cannot be
/// written. Any other SIGTERM is the machine going down, or somebody's kill.
inline constexpr int abort_value = 0x61626f72;

inline constexpr std::size_t file_bytes_max = 4 * 1024 * 1024;

/// Ordered key, value pairs; a key may repeat (argv), a value may hold any bytes.
using Pairs = std::vector<std::pair<std::string, std::string>>;

/// "key length\nvalue\n" for each pair.
inline std::string encode(Pairs const& pairs) {
    std::string out;
    for (auto const& [key, value] : pairs) {
        out += key + " " + std::to_string(value.size()) + "\n" + value + "\n";
    }
    return out;
}

/// nullopt: not written by encode(), or not whole.
inline std::optional<Pairs> decode(std::string_view text) {
    Pairs pairs;
    while (!text.empty()) {
        auto const line = text.find('\n');
        auto const space = text.substr(0, line).find(' ');
        if (line == std::string_view::npos || space == std::string_view::npos) return std::nullopt;
        std::size_t length = 0;
        auto const* const end = text.data() + line;
        auto const read = std::from_chars(text.data() + space + 1, end, length);
        if (read.ec != std::errc() || read.ptr != end || length >= text.size() - line - 1 ||
            text[line + 1 + length] != '\n') {
            return std::nullopt;
        }
        pairs.emplace_back(text.substr(0, space), text.substr(line + 1, length));
        text.remove_prefix(line + 1 + length + 1);
    }
    return pairs;
}

inline std::string value_of(Pairs const& pairs, std::string_view key) {
    for (auto const& [name, value] : pairs) {
        if (name == key) return value;
    }
    return {};
}

inline std::optional<long long> number_of(Pairs const& pairs, std::string_view key) {
    auto const text = value_of(pairs, key);
    long long value = 0;
    auto const read = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || read.ptr != text.data() + text.size()) return std::nullopt;
    return value;
}

/// nullopt: not there, unreadable, or above the bound.
inline std::optional<std::string> read_at(int directory, char const* name) {
    int const file = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0) return std::nullopt;
    std::string out;
    char buffer[16 * 1024];
    for (;;) {
        auto const count = read(file, buffer, sizeof buffer);
        if (count < 0 && errno == EINTR) continue;
        if (count > 0) out.append(buffer, static_cast<std::size_t>(count));
        if (count > 0 && out.size() <= file_bytes_max) continue;
        close(file);
        if (count != 0) return std::nullopt;
        return out;
    }
}

/// Durable: `directory`, its own name in its run's folder, and that folder's name in the daemon's.
/// One call where a claim is made instead of one where each folder is: a file system with a journal
/// then has one thing to commit, not four.
inline bool sync_up(int directory) {
    if (fsync(directory) != 0) return false;
    for (char const* const above : {"..", "../.."}) {
        int const folder = openat(directory, above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        bool const synced = folder >= 0 && fsync(folder) == 0;
        if (folder >= 0) close(folder);
        if (!synced) return false;
    }
    return true;
}

/// A process as nobody else can be it: the pid alone comes round again.
struct ProcessMark {
    pid_t pid = 0;
    unsigned long long start_ticks = 0;  // field 22 of /proc/PID/stat
    std::string boot_id;
};

inline std::optional<unsigned long long> start_ticks_of(pid_t pid) {
    auto const path = "/proc/" + std::to_string(pid) + "/stat";
    auto const stat = read_at(AT_FDCWD, path.c_str());
    if (!stat) return std::nullopt;
    // The command name is in parentheses and may hold anything, also parentheses and spaces.
    auto at = stat->rfind(')');
    if (at == std::string::npos || stat->size() < at + 3 || (*stat)[at + 2] == 'Z') {
        return std::nullopt;  // a zombie does nothing any more
    }
    constexpr int fields_between = 20;  // from the state, field 3, to field 22
    for (int i = 0; i < fields_between && at != std::string::npos; ++i) {
        at = stat->find(' ', at + 1);
    }
    if (at == std::string::npos) return std::nullopt;
    unsigned long long ticks = 0;
    auto const read = std::from_chars(stat->data() + at + 1, stat->data() + stat->size(), ticks);
    if (read.ec != std::errc()) return std::nullopt;
    return ticks;
}

inline std::string boot_id() {
    auto id = read_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id").value_or("");
    while (!id.empty() && id.back() == '\n') id.pop_back();
    return id;
}

inline std::string encode(ProcessMark const& mark) {
    return encode(Pairs{
        {"pid", std::to_string(mark.pid)},
        {"start", std::to_string(mark.start_ticks)},
        {"boot", mark.boot_id},
    });
}

inline std::optional<ProcessMark> decode_mark(std::string_view text) {
    auto const pairs = decode(text);
    if (!pairs) return std::nullopt;
    auto const pid = number_of(*pairs, "pid");
    auto const start = number_of(*pairs, "start");
    if (!pid || !start || *pid <= 0 || *start < 0) return std::nullopt;
    return ProcessMark{
        static_cast<pid_t>(*pid), static_cast<unsigned long long>(*start), value_of(*pairs, "boot")
    };
}

/// The very process of the mark, not another one with its number.
inline bool is_alive(ProcessMark const& mark) {
    return mark.boot_id == boot_id() && start_ticks_of(mark.pid) == mark.start_ticks;
}

}  // namespace rollbackd::step_files

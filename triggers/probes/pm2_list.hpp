// PM2's list of processes (`pm2 jlist`), and what it means from one look to the next: a crash loop
// is errored, or ten restarts within a minute, or restarts within ten seconds of a start, again
// and again. Pure; nothing of a process's environment is kept.
#pragma once

#include "core/json.hpp"

#include <deque>

namespace rollbackd {

struct Pm2Process {
    std::int64_t id = 0;
    std::string name;
    std::string status;  // online, stopped, stopping, launching, errored, waiting restart
    std::uint64_t restarts = 0;
    std::int64_t started_ms = 0;  // since 1970
    std::uint64_t memory = 0;     // bytes
};

inline constexpr std::size_t pm2_processes_max = 1024;

/// jlist may print other lines before its JSON.
Result<std::vector<Pm2Process>> parse_pm2(std::string_view text);

/// Remembers a minute of restarts of one app's processes.
class Pm2Watch {
public:
    /// Takes a look; answers why it is a crash loop, empty where it is none.
    std::string look(std::vector<Pm2Process> const& processes, Instant now);

    /// In wall time: it may be read by another process, or after a boot.
    Json save(Now const& now) const;
    void resume(Json const& saved, Now const& now);

    struct Restarted {
        Instant at;
        std::uint64_t times = 0;
        std::uint64_t quick = 0;  // of them: within ten seconds of the start before
    };
    struct Known {
        std::uint64_t restarts = 0;
        std::int64_t started_ms = 0;
        std::deque<Restarted> recent;
    };

private:
    std::map<std::int64_t, Known> known_;
};

inline constexpr std::size_t pm2_recent_max = 1024;         // looks remembered a process
inline constexpr std::uint64_t pm2_restarts_max = 10;       // within a minute
inline constexpr std::uint64_t pm2_quick_restarts_max = 2;  // likewise
inline constexpr Duration pm2_loop_window = std::chrono::minutes(1);
inline constexpr std::int64_t pm2_quick_ms = 10'000;

/// What is wrong with an app's processes, with its slug; empty: nothing. `wanted`: how many must be
/// online; absent: all.
std::string pm2_failure(
    std::vector<Pm2Process> const& processes, std::optional<std::uint64_t> wanted
);

}  // namespace rollbackd

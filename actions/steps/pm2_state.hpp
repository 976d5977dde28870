// What PM2's list says about one app after a verb. Pure. PM2 that has given up ("errored") does not
// start it again; one that starts over and over has a young start each time.
#pragma once

#include "core/json.hpp"

namespace rollbackd {

struct Pm2Instance {
    std::string name;
    std::string status;
    std::int64_t pid = 0;
    std::int64_t restarts = 0;
    std::int64_t started_ms = 0;  // wall time

    friend bool operator==(Pm2Instance const&, Pm2Instance const&) = default;
};

/// Of `pm2 jlist`, which may print text of its own before the list.
Result<std::vector<Pm2Instance>> read_pm2_list(std::string_view text);

enum class Pm2Verdict { good, wait, bad };

struct Pm2Look {
    Pm2Verdict verdict = Pm2Verdict::wait;
    std::string text;
};

/// `pids`: those it had before the verb. `steady`: how long an instance must have been up.
Pm2Look judge_pm2(
    std::string const& verb, std::string const& app, std::vector<Pm2Instance> const& list,
    std::vector<std::int64_t> const& pids, std::int64_t now_ms, Duration steady
);

}  // namespace rollbackd

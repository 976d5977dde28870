#include "triggers/probes/pm2_list.hpp"

#include <algorithm>
#include <cmath>

namespace rollbackd {

namespace {

/// Whole numbers that can be subtracted; also milliseconds with a fraction.
std::int64_t number_at(Json const& value, std::string_view key) {
    constexpr std::int64_t number_max = 9'000'000'000'000'000;
    auto const* const found = find(value, key);
    if (found == nullptr || !found->is_number()) return 0;
    boost::system::error_code code;
    auto const number = found->to_number<double>(code);
    if (code || !(std::abs(number) < double(number_max))) return 0;
    return std::int64_t(number);
}

std::uint64_t count_at(Json const& value, std::string_view key) {
    return std::uint64_t(std::max<std::int64_t>(number_at(value, key), 0));
}

std::string_view list_in(std::string_view text) {
    while (true) {
        auto const start = text.rfind('\n');
        auto const line = start == std::string_view::npos ? text : text.substr(start + 1);
        if (line.starts_with('[')) return line;
        if (start == std::string_view::npos) return {};
        text = text.substr(0, start);
    }
}

}  // namespace

Result<std::vector<Pm2Process>> parse_pm2(std::string_view text) {
    auto const list = parse_json(list_in(text));
    if (!list || !list->is_array()) return fail(Errc::invalid, "pm2 prints no list of processes");
    std::vector<Pm2Process> processes;
    for (auto const& entry : list->get_array()) {
        auto const* const env = find(entry, "pm2_env");
        if (env == nullptr || processes.size() == pm2_processes_max) continue;
        Pm2Process process;
        process.id = number_at(entry, "pm_id");
        process.name = text_of(entry, "name");
        process.status = text_of(*env, "status");
        process.restarts = count_at(*env, "restart_time");
        process.started_ms = number_at(*env, "pm_uptime");
        if (auto const* const monit = find(entry, "monit")) {
            process.memory = count_at(*monit, "memory");
        }
        if (process.status.empty())
            return fail(Errc::invalid, "pm2 lists a process without status");
        processes.push_back(std::move(process));
    }
    return processes;
}

std::string Pm2Watch::look(std::vector<Pm2Process> const& processes, Instant now) {
    std::map<std::int64_t, Known> next;
    std::string loop;
    for (auto const& process : processes) {
        auto const before = known_.find(process.id);
        Known known;
        if (before != known_.end() && process.restarts >= before->second.restarts) {
            known = std::move(before->second);
            if (auto const times = process.restarts - known.restarts; times > 0) {
                // However many starts lie between two looks, each had its share of the time.
                auto const lived = (process.started_ms - known.started_ms) / std::int64_t(times);
                known.recent.push_back({now, times, lived < pm2_quick_ms ? times : 0});
            }
        }
        known.restarts = process.restarts;
        known.started_ms = process.started_ms;
        while (!known.recent.empty() && now - known.recent.front().at > pm2_loop_window) {
            known.recent.pop_front();
        }
        std::uint64_t times = 0;
        std::uint64_t quick = 0;
        for (auto const& restarted : known.recent) {
            times += restarted.times;
            quick += restarted.quick;
        }
        if (times >= pm2_restarts_max || quick >= pm2_quick_restarts_max) {
            loop = "looping: " + std::to_string(times) + " restarts within a minute";
        }
        next.emplace(process.id, std::move(known));
    }
    known_ = std::move(next);
    return loop;
}

namespace {

struct SavedRestarts {
    WallTime at;
    std::uint64_t times = 0;
    std::uint64_t quick = 0;
};
BOOST_DESCRIBE_STRUCT(SavedRestarts, (), (at, times, quick))

struct SavedProcess {
    std::int64_t id = 0;
    std::uint64_t restarts = 0;
    std::int64_t started_ms = 0;
    std::vector<SavedRestarts> recent;
};
BOOST_DESCRIBE_STRUCT(SavedProcess, (), (id, restarts, started_ms, recent))

}  // namespace

Json Pm2Watch::save(Now const& now) const {
    if (known_.empty()) return nullptr;
    std::vector<SavedProcess> out;
    for (auto const& [id, known] : known_) {
        auto& saved = out.emplace_back(SavedProcess{id, known.restarts, known.started_ms, {}});
        for (auto const& one : known.recent) {
            saved.recent.push_back({to_wall(one.at, now), one.times, one.quick});
        }
    }
    return to_json(out);
}

void Pm2Watch::resume(Json const& saved, Now const& now) {
    auto const all = read_json<std::vector<SavedProcess>>(saved);
    if (!all || all->size() > pm2_processes_max) return;
    for (auto const& one : *all) {
        Known known{one.restarts, one.started_ms, {}};
        for (auto const& restarted : one.recent) {
            auto const at = std::min(to_instant(restarted.at, now), now.boot);
            if (known.recent.size() < pm2_recent_max) {
                known.recent.push_back({at, restarted.times, restarted.quick});
            }
        }
        known_.insert_or_assign(one.id, std::move(known));
    }
}

std::string pm2_failure(
    std::vector<Pm2Process> const& processes, std::optional<std::uint64_t> wanted
) {
    if (processes.empty()) return "missing: PM2 has no such app";
    auto const of_all = " of " + std::to_string(processes.size());
    std::uint64_t online = 0;
    std::uint64_t errored = 0;
    std::string other;
    for (auto const& process : processes) {
        if (process.status == "online") ++online;
        if (process.status == "errored") ++errored;
        if (process.status != "online") other = process.status;
    }
    auto const needed = wanted.value_or(processes.size());
    if (errored > 0 && online < needed) {
        return "errored: " + std::to_string(errored) + of_all +
               " given up by PM2 after too many restarts";
    }
    if (online >= needed) return {};
    return "stopped: " + std::to_string(online) + of_all + " online" +
           (other.empty() ? ", expected " + std::to_string(needed) : ", another is " + other);
}

}  // namespace rollbackd

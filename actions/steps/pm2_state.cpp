#include "actions/steps/pm2_state.hpp"

#include "core/names.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

constexpr std::size_t apps_max = 1000;

std::int64_t whole(Json const* value) {
    return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

/// The last line that is a list: PM2 greets, and warns, on the same stream.
Result<Json> list_in(std::string_view text) {
    auto end = text.size();
    while (end > 0) {
        auto const begin = text.rfind('\n', end - 1);
        auto const from = begin == std::string_view::npos ? 0 : begin + 1;
        auto const line = text.substr(from, end - from);
        if (line.starts_with("[")) {
            auto parsed = parse_json(line);
            if (parsed && parsed->is_array()) return parsed;
        }
        if (from == 0) break;
        end = from - 1;
    }
    return fail(Errc::invalid, "PM2 printed no list");
}

bool is_new(Pm2Instance const& process, std::vector<std::int64_t> const& pids) {
    return std::find(pids.begin(), pids.end(), process.pid) == pids.end();
}

Pm2Look look(Pm2Verdict verdict, std::string text) { return {verdict, std::move(text)}; }

/// One instance that is to be up.
Pm2Look judge_up(
    Pm2Instance const& process, bool must_be_new, std::vector<std::int64_t> const& pids,
    std::int64_t now_ms, Duration steady
) {
    auto const restarts = std::to_string(process.restarts) + " restarts";
    if (process.status == "errored") {
        return look(Pm2Verdict::bad, "PM2 has given it up (errored, " + restarts + ")");
    }
    if (process.status != "online") {
        return look(Pm2Verdict::wait, "it is " + printable(process.status, 40));
    }
    if (must_be_new && !is_new(process, pids)) {
        return look(Pm2Verdict::wait, "it was not started anew");
    }
    // A clock that was set back, or a number that is no time, is no long life.
    bool const sane = process.started_ms >= 0 && process.started_ms <= now_ms;
    auto const steady_ms = std::chrono::duration_cast<std::chrono::milliseconds>(steady).count();
    bool const young = !sane || now_ms - process.started_ms < steady_ms;
    if (young) return look(Pm2Verdict::wait, "it has just been started (" + restarts + ")");
    return look(Pm2Verdict::good, "");
}

}  // namespace

Result<std::vector<Pm2Instance>> read_pm2_list(std::string_view text) {
    auto const list = list_in(text);
    if (!list) return tl::unexpected<Error>(list.error());
    if (list->get_array().size() > apps_max) return fail(Errc::too_large, "too many apps");
    std::vector<Pm2Instance> out;
    for (auto const& item : list->get_array()) {
        auto const* const env = find(item, "pm2_env");
        Pm2Instance process;
        process.name = text_of(item, "name");
        process.pid = whole(find(item, "pid"));
        if (env != nullptr) {
            process.status = text_of(*env, "status");
            process.restarts = whole(find(*env, "restart_time"));
            process.started_ms = whole(find(*env, "pm_uptime"));
        }
        out.push_back(std::move(process));
    }
    return out;
}

Pm2Look judge_pm2(
    std::string const& verb, std::string const& app, std::vector<Pm2Instance> const& list,
    std::vector<std::int64_t> const& pids, std::int64_t now_ms, Duration steady
) {
    std::size_t count = 0;
    for (auto const& process : list) {
        if (process.name != app) continue;
        ++count;
        if (verb == "delete") return look(Pm2Verdict::wait, "it is there still");
        if (verb == "stop") {
            // One that PM2 has given up is down, too.
            if (process.status == "stopped" || process.status == "errored") continue;
            return look(Pm2Verdict::wait, "it is " + printable(process.status, 40));
        }
        bool const must_be_new = verb == "restart" || verb == "reload";
        auto const found = judge_up(process, must_be_new, pids, now_ms, steady);
        if (found.verdict != Pm2Verdict::good) return found;
    }
    auto const shown = printable(app, 80);
    if (verb == "delete") return look(Pm2Verdict::good, shown + " is gone");
    if (count == 0) return look(Pm2Verdict::bad, "PM2 has no app " + shown);
    auto const instances = std::to_string(count) + (count == 1 ? " instance" : " instances");
    return look(
        Pm2Verdict::good,
        shown + (verb == "stop" ? " is stopped (" : " is online (") + instances + ")"
    );
}

}  // namespace rollbackd

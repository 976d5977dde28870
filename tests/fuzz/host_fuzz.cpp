// What a machine says about itself: the kernel's texts, tools and plugins. The first byte chooses
// the parser. Any bytes are read or refused, and a number that comes out is one.
#include "core/ensure.hpp"
#include "tests/fuzz/entries.hpp"
#include "triggers/probes/containers.hpp"
#include "triggers/probes/cron_lines.hpp"
#include "triggers/probes/env_file.hpp"
#include "triggers/probes/host_texts.hpp"
#include "triggers/probes/plugin_output.hpp"
#include "triggers/probes/pm2_list.hpp"
#include "triggers/probes/remote.hpp"
#include "triggers/probes/unit_state.hpp"

#include <cmath>

using namespace rollbackd;

namespace {

void plugin(std::string_view text) {
    auto const parsed = parse_plugin_output(text);
    ensure(parsed.values.size() <= perf_values_max, "a plugin's numbers are bounded");
    for (auto const& value : parsed.values) {
        ensure(std::isfinite(value.value), "a number of a plugin is one");
        ensure(!value.label.empty(), "a number of a plugin has a label");
    }
}

void memory(std::string_view text) {
    auto const memory = parse_meminfo(text);
    if (memory) ensure(memory->available <= memory->total, "no more is free than there is");
}

void processors(std::string_view text) {
    auto const time = parse_proc_stat(text);
    if (time) ensure(time->busy <= time->all, "processors are not busier than time");
}

void pressure(std::string_view text) {
    auto const share = parse_pressure(text, "some", "avg60");
    if (share) ensure(*share >= 0 && *share <= 1, "pressure is a share");
}

void unit(std::string_view text) {
    auto const facts = parse_unit(text);
    for (auto const& [name, value] : facts) (void)unit_time(value);
    for (bool const must_run : {true, false}) {
        auto const judged = judge_unit(facts, must_run);
        bool const told = judged.verdict == UnitVerdict::good || !judged.reason.empty();
        ensure(told, "what is not well has a reason");
    }
    for (auto const* const measure : {"restarts", "memory", "uptime"}) {
        auto const value = measure_unit(facts, measure, WallTime(std::chrono::hours(500'000)));
        if (value) ensure(*value >= 0, "a unit's number is not negative");
    }
}

void containers(std::string_view text) {
    auto const answer = parse_json(text);
    if (!answer) return;
    auto const ids = parse_container_ids(*answer);
    if (ids) ensure(ids->size() <= containers_max, "containers are bounded");
    auto facts = parse_container(*answer);
    if (!facts) return;
    auto const judged = judge_containers({*facts}, {});
    ensure(!judged.reason.empty(), "containers are told of");
}

void pm2(std::string_view text) {
    auto const processes = parse_pm2(text);
    if (!processes) return;
    ensure(processes->size() <= pm2_processes_max, "PM2's processes are bounded");
    Pm2Watch watch;
    for (int second = 0; second < 3; ++second) {
        (void)watch.look(*processes, Instant(std::chrono::seconds(second)));
    }
    (void)pm2_failure(*processes, 2);
}

void remote(std::string_view text) {
    auto const answer = read_answer(text);
    if (!answer) return;
    ensure(read_answer(write_answer(*answer)) == *answer, "an answer survives the way");
}

}  // namespace

int rollbackd::fuzz::host(std::uint8_t const* data, std::size_t size) {
    if (size == 0) return 0;
    std::string_view const text(reinterpret_cast<char const*>(data) + 1, size - 1);
    switch (data[0]) {
        case 'g':
            plugin(text);
            break;
        case 'm':
            memory(text);
            break;
        case 'c':
            processors(text);
            break;
        case 'p':
            pressure(text);
            break;
        case 'l':
            (void)parse_loadavg(text);
            break;
        case 'a':
            (void)parse_processes(text);
            break;
        case 'u':
            unit(text);
            break;
        case 'd':
            containers(text);
            break;
        case 'j':
            pm2(text);
            break;
        case 'r':
            remote(text);
            break;
        case 'e':
            ensure(parse_env(text).size() <= env_keys_max, "an environment's keys are bounded");
            break;
        case 't':
            for (auto const& job : parse_cron(text)) ensure(!job.empty(), "a job has a line");
            break;
        default:
            break;
    }
    return 0;
}

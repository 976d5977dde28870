// What a machine says about itself: the kernel's texts, tools and plugins. The first byte chooses
// the parser. Any bytes are read or refused, and a number that comes out is one.
#include "core/ensure.hpp"
#include "tests/fuzz/entries.hpp"
#include "triggers/probes/backup_files.hpp"
#include "triggers/probes/containers.hpp"
#include "triggers/probes/cron_lines.hpp"
#include "triggers/probes/env_file.hpp"
#include "triggers/probes/host_texts.hpp"
#include "triggers/probes/numbers.hpp"
#include "triggers/probes/plugin_output.hpp"
#include "triggers/probes/pm2_list.hpp"
#include "triggers/probes/remote.hpp"
#include "triggers/probes/unit_state.hpp"
#include "triggers/sources/rotated.hpp"

#include <algorithm>
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

/// Each line is a file's name behind its size and its age.
void backups(std::string_view text) {
    WallTime const now(std::chrono::hours(24 * 365 * 56));
    std::vector<BackupFile> files;
    while (!text.empty()) {
        auto const line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        BackupFile file;
        file.path = "/backups/" + std::string(line.substr(std::min<std::size_t>(line.size(), 2)));
        file.size = line.empty() ? 0 : std::uint64_t(static_cast<unsigned char>(line[0])) << 20U;
        auto const hours = line.size() < 2 ? 0 : static_cast<signed char>(line[1]);
        file.modified = now - std::chrono::hours(hours);
        auto const reading = reading_command(file.path, "auto");
        bool const named = std::any_of(reading.begin(), reading.end(), [&](auto const& word) {
            return word.ends_with(file.path);
        });
        ensure(reading.empty() || named, "what is read is the file that was found");
        (void)is_rotated_name(file.path.substr(9), "app.log");
        (void)is_compressed_name(file.path);
        files.push_back(std::move(file));
    }
    BackupRules rules;
    rules.max_age = std::chrono::hours(25);
    rules.shrink = 0.5;
    rules.settle = std::chrono::hours(1);
    auto const judged = judge_backups(files, rules, now);
    ensure(judged.newest || judged.problem.starts_with("missing: "), "no backup is missing");
}

void numbers(std::string_view text) {
    if (auto const number = number_of(text)) ensure(std::isfinite(*number), "a number is finite");
    (void)count_of(text);
    (void)moment_of(text);
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
        case 'b':
            backups(text);
            break;
        case 'n':
            numbers(text);
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

#include "triggers/probes/backup_files.hpp"

#include "triggers/probes/measures.hpp"

#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace rollbackd {

namespace fs = std::filesystem;

namespace {

bool matches(std::string const& pattern, std::string const& name) {
    return ::fnmatch(pattern.c_str(), name.c_str(), FNM_PERIOD) == 0;
}

tl::unexpected<Error> cannot(std::error_code const& code, std::string const& path) {
    auto const kind = code == std::errc::permission_denied ? Errc::forbidden : Errc::io;
    return fail(kind, code.message(), path);
}

struct Search {
    BackupPattern const& pattern;
    std::vector<BackupFile> found;
    std::size_t entries = 0;

    Result<bool> look(std::string const& folder, std::string_view pattern_left);
    void take(std::string const& path, std::string const& name);
};

Result<bool> Search::look(std::string const& folder, std::string_view pattern_left) {
    auto const slash = pattern_left.find('/');
    std::string const here(pattern_left.substr(0, slash));
    std::error_code code;
    fs::directory_iterator entry(folder, code);
    if (code == std::errc::no_such_file_or_directory) return true;
    if (code) return cannot(code, folder);
    for (; entry != fs::directory_iterator(); entry.increment(code)) {
        if (code) return cannot(code, folder);
        if (++entries > backup_entries_max) {
            auto const most = std::to_string(backup_entries_max);
            return fail(Errc::too_large, "holds more than " + most + " entries", pattern.folder);
        }
        auto const name = entry->path().filename().string();
        if (!matches(here, name)) continue;
        if (slash == std::string_view::npos) {
            take(entry->path().string(), name);
            continue;
        }
        if (!entry->is_directory(code)) continue;
        auto below = look(entry->path().string(), pattern_left.substr(slash + 1));
        if (!below) return below;
    }
    return true;
}

void Search::take(std::string const& path, std::string const& name) {
    for (auto const& excluded : pattern.exclude) {
        if (matches(excluded, name)) return;
    }
    struct stat facts{};
    if (::stat(path.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) return;
    auto const micros = std::chrono::microseconds(facts.st_mtim.tv_nsec / 1000);
    WallTime const modified(std::chrono::seconds(facts.st_mtim.tv_sec) + micros);
    found.push_back({path, std::uint64_t(facts.st_size), modified});
}

std::uint64_t middle_size(std::vector<BackupFile> const& files) {
    std::vector<std::uint64_t> sizes;
    for (auto const& file : files) sizes.push_back(file.size);
    auto const middle = sizes.begin() + std::ptrdiff_t(sizes.size() / 2);
    std::nth_element(sizes.begin(), middle, sizes.end());
    return *middle;
}

std::string name_of(std::string const& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

Result<std::vector<BackupFile>> find_backups(BackupPattern const& pattern) {
    Search search{pattern, {}, 0};
    auto const looked = search.look(pattern.folder, pattern.pattern);
    if (!looked) return tl::unexpected<Error>(looked.error());
    std::sort(search.found.begin(), search.found.end(), [](auto const& a, auto const& b) {
        return a.modified != b.modified ? a.modified > b.modified : a.path > b.path;
    });
    return std::move(search.found);
}

BackupJudgement judge_backups(
    std::vector<BackupFile> const& files, BackupRules const& rules, WallTime now
) {
    std::vector<BackupFile> settled;
    for (auto const& file : files) {
        // Written this very moment, as clocks and file systems count it, is not yet to come.
        auto const age = std::max<Duration>(now - file.modified, Duration::zero());
        if (age >= rules.settle) settled.push_back(file);
    }
    BackupJudgement out;
    if (settled.empty()) {
        out.problem = files.empty() ? "missing: there is no backup of that name"
                                    : "missing: the only backup is still being written";
        return out;
    }
    auto const& newest = settled.front();
    out.newest = newest;
    auto const age = std::max<Duration>(now - newest.modified, Duration::zero());
    auto const name = name_of(newest.path);
    if (rules.max_age && age > *rules.max_age) {
        out.problem = "old: " + name + " is " + format_human(age) + " old, expected at most " +
                      format_human(*rules.max_age);
        return out;
    }
    if (newest.size < rules.min_size || newest.size == 0) {
        out.problem = "small: " + name + " has " + shown_bytes(newest.size) +
                      ", expected at least " +
                      shown_bytes(std::max<std::uint64_t>(rules.min_size, 1));
        return out;
    }
    std::vector<BackupFile> const before(
        settled.begin() + 1,
        settled.begin() + std::ptrdiff_t(std::min(settled.size(), predecessors_max + 1))
    );
    auto const usual = before.empty() ? 0 : middle_size(before);
    if (double(newest.size) < rules.shrink * double(usual)) {
        out.problem = "shrunk: " + name + " has " + shown_bytes(newest.size) +
                      ", its predecessors have " + shown_bytes(usual);
    } else if (settled.size() < rules.count) {
        out.problem = "few: " + std::to_string(settled.size()) + " backups, expected at least " +
                      std::to_string(rules.count);
    }
    return out;
}

std::vector<std::string> reading_command(std::string const& path, std::string const& how) {
    auto const ends = [&](char const* ending) { return path.ends_with(ending); };
    bool const any = how == "auto";
    if (how == "tar" || (any && (ends(".tar.gz") || ends(".tgz") || ends(".tar")))) {
        return {"tar", "--list", "--file=" + path};
    }
    if (how == "gzip" || (any && ends(".gz"))) return {"gzip", "--test", "--", path};
    if (how == "pg_restore" || (any && (ends(".dump") || ends(".pgdump") || ends(".custom")))) {
        return {"pg_restore", "--list", "--file=/dev/null", path};
    }
    return {};
}

}  // namespace rollbackd

#include "cli/rehearsal/tape.hpp"

#include "core/names.hpp"
#include "triggers/sources/access_log_match.hpp"
#include "triggers/sources/log_match.hpp"

#include <deque>
#include <filesystem>
#include <fstream>

namespace rollbackd::cli {

namespace {

constexpr std::size_t line_bytes_max = 64 * 1024;

using Reader = std::function<LineFate(std::string const& line, Now now, Sample& sample)>;

std::string path_of(SignalPolicy const& signal) {
    bool const log = signal.type == "access_log" || signal.type == "log";
    auto const* const path = log ? signal.params.if_contains("path") : nullptr;
    return path != nullptr && path->is_string() ? std::string(path->get_string()) : "";
}

Result<Reader> reader_of(std::string const& service, SignalPolicy const& signal) {
    if (signal.type == "access_log") {
        auto made = AccessLogReader::make(service, signal);
        if (!made) return tl::unexpected<Error>(made.error());
        return Reader([reader = std::move(*made)](auto const& line, Now now, Sample& sample) {
            return reader.read(line, now, sample);
        });
    }
    auto made = LogMatcher::make(service, signal);
    if (!made) return tl::unexpected<Error>(made.error());
    return Reader([reader = std::move(*made)](auto const& line, Now now, Sample& sample) {
        auto read = reader.read({{}, line}, now);
        if (!read) return LineFate::unmatched;
        sample = *std::move(read);
        return LineFate::sample;
    });
}

/// "access.log" of "/var/log/nginx/access.log.2".
std::string file_name(std::string const& path) {
    auto name = path.substr(path.rfind('/') + 1);
    auto const dot = name.rfind('.');
    bool const number = dot != std::string::npos && dot + 1 < name.size() &&
                        name.find_first_not_of("0123456789", dot + 1) == std::string::npos;
    return number ? name.substr(0, dot) : name;
}

struct Wanted {
    std::string service;
    SignalPolicy const* signal;
};

std::vector<Wanted> readers_of_logs(Policy const& policy) {
    std::vector<Wanted> out;
    for (auto const& service : policy.services) {
        for (auto const& signal : service.signals) {
            if (!path_of(signal).empty()) out.push_back({service.name, &signal});
        }
    }
    return out;
}

/// The signals a log is of: the one named, those that read a file of its name, else all where they
/// read one and the same file.
Result<std::vector<Wanted>> signals_of(Policy const& policy, LogFile const& log) {
    auto const all = readers_of_logs(policy);
    std::vector<Wanted> out;
    std::set<std::string> paths;
    std::string names;
    for (auto const& one : all) {
        paths.insert(path_of(*one.signal));
        names += (names.empty() ? "" : ", ") + one.service + "/" + one.signal->name;
        bool const named = one.service == log.service && one.signal->name == log.signal;
        bool const fits =
            log.signal.empty() && file_name(path_of(*one.signal)) == file_name(log.path);
        if (named || fits) out.push_back(one);
    }
    if (out.empty() && log.signal.empty() && paths.size() == 1) out = all;
    if (!out.empty()) return out;
    if (names.empty()) return fail(Errc::invalid, "no signal of the policy reads a log", log.path);
    return fail(
        Errc::invalid,
        "no signal of the policy reads a log of this name; say whose it is, as "
        "SERVICE/SIGNAL=FILE: " +
            names,
        log.path
    );
}

std::vector<LogFile> own_logs(Policy const& policy) {
    std::vector<LogFile> out;
    std::set<std::string> seen;
    for (auto const& one : readers_of_logs(policy)) {
        auto const path = path_of(*one.signal);
        if (seen.insert(path).second && std::filesystem::exists(path))
            out.push_back({path, "", ""});
    }
    return out;
}

}  // namespace

struct Tapes::Tape {
    std::ifstream file;
    LogCount count;
    std::vector<std::pair<std::string, Reader>> readers;  // by signal: "shop/requests"
    std::deque<Sample> waiting;
    Now now{};  // of the newest line: one without a time happened then

    /// Until something waits, or the end.
    void fill() {
        std::string line;
        while (waiting.empty() && std::getline(file, line)) {
            ++count.lines;
            if (line.size() > line_bytes_max || line.empty()) {
                ++count.unreadable;
                continue;
            }
            if (line.back() == '\r') line.pop_back();
            read(line);
        }
    }

    void read(std::string const& line) {
        bool unreadable = false;
        for (auto const& [name, reader] : readers) {
            Sample sample;
            auto const fate = reader(line, now, sample);
            unreadable = unreadable || fate == LineFate::unreadable;
            if (fate != LineFate::sample) continue;
            waiting.push_back(std::move(sample));
        }
        if (unreadable) ++count.unreadable;
        if (waiting.empty()) return;
        ++count.samples;
        auto const newest = waiting.back().at;
        if (newest <= now.boot) return;
        now.boot = newest;
        now.wall = WallTime(std::chrono::floor<WallTime::duration>(newest.time_since_epoch()));
    }
};

Tapes::Tapes(std::vector<std::unique_ptr<Tape>> tapes) : tapes_(std::move(tapes)) {}
Tapes::Tapes(Tapes&&) noexcept = default;
Tapes::~Tapes() = default;

Result<Tapes> Tapes::open(Policy const& policy, std::vector<LogFile> const& logs) {
    std::vector<std::unique_ptr<Tape>> tapes;
    for (auto const& log : logs.empty() ? own_logs(policy) : logs) {
        auto const wanted = signals_of(policy, log);
        if (!wanted) return tl::unexpected<Error>(wanted.error());
        auto tape = std::make_unique<Tape>();
        tape->count.path = log.path;
        tape->file.open(log.path, std::ios::binary);
        if (!tape->file || std::filesystem::is_directory(log.path)) {
            return fail(Errc::io, "this log cannot be read", log.path);
        }
        if (tape->file.get() == 0x1f && tape->file.get() == 0x8b) {
            return fail(Errc::invalid, "it is compressed; unpack it first, with zcat", log.path);
        }
        tape->file.clear();
        tape->file.seekg(0);
        for (auto const& one : *wanted) {
            auto reader = reader_of(one.service, *one.signal);
            if (!reader) return tl::unexpected<Error>(reader.error());
            tape->readers.emplace_back(one.service + "/" + one.signal->name, std::move(*reader));
        }
        tapes.push_back(std::move(tape));
    }
    return Tapes(std::move(tapes));
}

std::optional<Sample> Tapes::next() {
    Tape* oldest = nullptr;
    for (auto const& tape : tapes_) {
        tape->fill();
        if (tape->waiting.empty()) continue;
        if (oldest == nullptr || tape->waiting.front().at < oldest->waiting.front().at) {
            oldest = tape.get();
        }
    }
    if (oldest == nullptr) return {};
    auto sample = std::move(oldest->waiting.front());
    oldest->waiting.pop_front();
    return sample;
}

std::vector<LogCount> Tapes::counts() const {
    std::vector<LogCount> out;
    for (auto const& tape : tapes_) out.push_back(tape->count);
    return out;
}

std::vector<std::string> Tapes::silent(Policy const& policy) const {
    std::set<std::string> heard;
    for (auto const& tape : tapes_) {
        for (auto const& [name, reader] : tape->readers) heard.insert(name);
    }
    std::vector<std::string> out;
    for (auto const& service : policy.services) {
        for (auto const& signal : service.signals) {
            auto const name = service.name + "/" + signal.name;
            if (!heard.contains(name)) out.push_back(name);
        }
    }
    return out;
}

}  // namespace rollbackd::cli

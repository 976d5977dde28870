#include "triggers/sources/log_files.hpp"

#include <glob.h>

#include <algorithm>

namespace rollbackd {

namespace {

constexpr std::size_t lines_max = 4 * source_batch_max;  // of one call, those that say nothing too

bool has_wildcard(std::string const& path) { return path.find_first_of("*?[") != path.npos; }

// Files the pattern means just now, by name.
std::vector<std::string> names_of(std::string const& pattern) {
    std::vector<std::string> names;
    glob_t found{};
    if (glob(pattern.c_str(), GLOB_MARK, nullptr, &found) == 0) {
        auto const many = std::min<std::size_t>(found.gl_pathc, folder_entries_max);
        for (std::size_t i = 0; i < many; ++i) names.emplace_back(found.gl_pathv[i]);
    }
    globfree(&found);
    std::erase_if(names, [](std::string const& name) {
        return name.ends_with('/') || is_compressed_name(name);
    });
    std::sort(names.begin(), names.end());
    return names;
}

FilePosition const* find_position(std::vector<FilePosition> const& all, FileFacts const& facts) {
    auto const found = std::find_if(all.rbegin(), all.rend(), [&](FilePosition const& position) {
        return position.device == facts.device && position.inode == facts.inode;
    });
    return found == all.rend() ? nullptr : &*found;
}

using Places = std::map<std::string, FollowPosition>;

Places places_in(JsonObject const& saved) {
    Places places;
    for (auto const& [name, position] : saved) {
        auto known = read_json<FollowPosition>(position);
        if (known && places.size() < log_files_max) places[name] = *std::move(known);
    }
    return places;
}

// Whether that file is what rotation made of the other one.
bool is_past_of(std::string const& path, std::string const& base) {
    auto const folder = path.substr(0, path.rfind('/') + 1);
    return base.starts_with(folder) &&
           is_rotated_name(path.substr(folder.size()), base.substr(folder.size()));
}

// Files that got another name of the pattern while nobody looked: their places go with them.
void follow_renamed(Places& places, std::vector<std::string> const& names) {
    Places moved;
    for (auto const& name : names) {
        auto const facts = facts_of(name);
        if (!facts || places.contains(name)) continue;
        for (auto& [old_name, place] : places) {
            if (is_past_of(name, old_name)) continue;
            auto const now_there = facts_of(old_name);
            auto const* const known = find_position(place.files, *facts);
            bool const kept = now_there && now_there->same_file(*facts);
            if (known == nullptr || kept || !open_if(name, *known, true)) continue;
            moved[name].files.push_back(*known);
            std::erase_if(place.files, [&](auto const& one) {
                return one == moved[name].files[0];
            });
            break;
        }
    }
    places.merge(moved);
}

// The folder in which every name of the pattern begins.
std::string root_of(std::string const& pattern) {
    auto const slash = pattern.rfind('/', pattern.find_first_of("*?["));
    return slash == std::string::npos ? "." : pattern.substr(0, slash + 1);
}

void count(SourceStatus& status, LineFate fate) {
    ++status.lines;
    switch (fate) {
        case LineFate::sample:
            ++status.samples;
            break;
        case LineFate::unmatched:
            ++status.unmatched;
            break;
        case LineFate::no_status:
            ++status.no_status;
            break;
        case LineFate::unreadable:
            ++status.unreadable;
            break;
    }
}

}  // namespace

/// One call of read(): what it has taken so far.
struct LogFiles::Taking {
    Now now;
    Read const& read;
    SourceStatus& counted;
    std::vector<Sample> samples{};
    std::size_t lines = 0;
    bool more = false;

    bool is_full() const { return samples.size() >= source_batch_max || lines >= lines_max; }

    void take(std::string const& line) {
        Sample sample;
        auto const fate = read(line, sample);
        keep(fate, std::move(sample));
    }
    void keep(LineFate fate, Sample sample) {
        ++lines;
        count(counted, fate);
        if (fate == LineFate::sample) samples.push_back(std::move(sample));
    }
    /// Takes what happened until then, and answers when the next one did that was left. Lines that
    /// say nothing are passed over. `more` is set where a limit came first.
    std::optional<Instant> take_until(FileFollower& file, Instant until) {
        std::optional<Instant> next;
        std::size_t asked = 0;
        auto const batch =
            file.read_batch(source_batch_max, now.boot, [&](std::string const& line) {
                Sample sample;
                auto const fate = read(line, sample);
                if (fate == LineFate::sample && sample.at > until) {
                    next = sample.at;
                    return false;
                }
                if (is_full()) return false;
                keep(fate, std::move(sample));
                ++asked;
                return true;
            });
        // Last lines without an end come unasked.
        for (auto i = asked; i < batch.lines.size(); ++i) take(batch.lines[i]);
        more = more || (batch.more && !next);
        return next;
    }
};

Result<void> LogFiles::visible(std::string const& path, Json const& saved) {
    if (!has_wildcard(path)) {
        auto const file = open_to_read(path);
        if (!file && file.error().code != Errc::not_found) return tl::unexpected(file.error());
        return {};
    }
    std::vector<std::string> names{root_of(path)};
    auto const* const files = find(saved, "files");
    if (files != nullptr && files->is_object()) {
        for (auto const& place : files->get_object()) names.emplace_back(place.key());
    }
    for (auto const& name : names) {
        auto const facts = facts_of(name);
        // One that may not be read holds up none of the others.
        bool const absent = !facts && (facts.error().code == Errc::not_found ||
                                       facts.error().code == Errc::forbidden);
        if (!facts && !absent) return tl::unexpected(facts.error());
    }
    return {};
}

LogFiles::LogFiles(std::string path, Json const& saved, Instant now)
    : path_(std::move(path)), is_pattern_(has_wildcard(path_)) {
    if (!is_pattern_) {
        auto const* const position = find(saved, "position");
        auto const known = read_json<FollowPosition>(position == nullptr ? Json() : *position);
        files_.emplace(path_, known ? FileFollower(path_, *known) : FileFollower(path_));
        return;
    }
    auto const* const files = find(saved, "files");
    if (files != nullptr && files->is_object()) {
        auto places = places_in(files->get_object());
        follow_renamed(places, names_of(path_));
        for (auto const& [name, place] : places) files_.emplace(name, FileFollower(name, place));
    }
    if (auto const* const gone = find(saved, "gone")) {
        gone_ = read_json<std::vector<FilePosition>>(*gone).value_or(gone_);
    }
    look(now, files == nullptr);
}

// Which files there are now. A file that has gone stays until it has been quiet for a while.
void LogFiles::look(Instant now, bool first) {
    if (!is_pattern_ || (looked_at_ && now - *looked_at_ < log_files_look_every)) return;
    looked_at_ = now;
    too_many_ = false;
    auto const all = names_of(path_);
    std::erase_if(rotated_, [&](std::string const& path) {
        return !std::binary_search(all.begin(), all.end(), path);
    });
    for (auto const& path : all) {
        if (files_.contains(path) || rotated_.contains(path)) continue;
        if (is_rotated(path, all)) {
            rotated_.insert(path);
        } else {
            admit(path, first);
        }
    }
}

bool LogFiles::is_rotated(std::string const& path, std::vector<std::string> const& all) const {
    return std::any_of(
               all.begin(), all.end(), [&](auto const& base) { return is_past_of(path, base); }
           ) ||
           std::any_of(files_.begin(), files_.end(), [&](auto const& file) {
               return is_past_of(path, file.first);
           });
}

// A link to a log that is followed already, under its other name.
bool LogFiles::has_second_name(FileFacts const& facts) const {
    return std::any_of(files_.begin(), files_.end(), [&](auto const& file) {
        auto const theirs = facts_of(file.first);
        return theirs && theirs->same_file(facts);
    });
}

void LogFiles::admit(std::string const& path, bool first) {
    auto const facts = facts_of(path);
    if (!facts && facts.error().code == Errc::not_found) return;
    if (facts && has_second_name(*facts)) return;
    if (files_.size() >= log_files_max) {
        too_many_ = true;
        return;
    }
    if (first) {
        files_.emplace(path, FileFollower(path));
        return;
    }
    FollowPosition place;
    auto const known = facts ? place_of(path, *facts) : std::nullopt;
    if (known) place.files.push_back(*known);
    files_.emplace(path, FileFollower(path, place));
}

// Where a file stands that had another name before, or was away.
std::optional<FilePosition> LogFiles::place_of(std::string const& path, FileFacts const& facts) {
    std::optional<FilePosition> found;
    for (auto& [other, follower] : files_) {
        if (found = follower.let_go(facts); found) break;
    }
    if (auto const* const gone = find_position(gone_, facts); !found && gone != nullptr) {
        found = *gone;
    }
    // An inode is given to the next file as soon as its old one is gone.
    if (found && !open_if(path, *found, true)) found.reset();
    return found;
}

std::vector<Sample> LogFiles::read(Now now, Read const& read) {
    look(now.boot, false);
    Taking taking{now, read, counted_};
    if (is_pattern_) {
        merge(taking);
        if (!taking.more) end_those_gone(taking);
    } else {
        (void)taking.take_until(files_.begin()->second, Instant::max());
    }
    counted_.caught_up = !taking.more;
    // A server that logs when requests began writes the slow ones late.
    std::stable_sort(
        taking.samples.begin(), taking.samples.end(),
        [](Sample const& a, Sample const& b) { return a.at < b.at; }
    );
    return std::move(taking.samples);
}

void LogFiles::merge(Taking& taking) {
    std::vector<std::pair<Instant, FileFollower*>> next;
    for (auto& [path, follower] : files_) {
        if (auto const at = taking.take_until(follower, Instant::min())) {
            next.emplace_back(*at, &follower);
        }
        // What that file says next is not known yet: nobody may go before it.
        if (taking.more) return;
    }
    auto const by_time = [](auto const& a, auto const& b) { return a.first < b.first; };
    while (!next.empty() && !taking.more) {
        auto const first = std::min_element(next.begin(), next.end(), by_time);
        auto* const file = first->second;
        next.erase(first);
        auto const second = std::min_element(next.begin(), next.end(), by_time);
        auto const until = second == next.end() ? Instant::max() : second->first;
        if (auto const at = taking.take_until(*file, until)) next.emplace_back(*at, file);
    }
}

void LogFiles::end_those_gone(Taking& taking) {
    for (auto file = files_.begin(); file != files_.end();) {
        FileFollower::Batch rest;
        bool const over = file->second.is_over(taking.now.boot, rest);
        for (auto const& line : rest.lines) taking.take(line);
        if (!over) {
            ++file;
            continue;
        }
        auto const done = file->second.save().done;
        if (!done.empty()) gone_.push_back(done.back());
        if (gone_.size() > gone_files_max) gone_.erase(gone_.begin());
        lost_ += file->second.lost();
        counted_.too_long += file->second.too_long();
        file = files_.erase(file);
    }
}

JsonObject LogFiles::save() const {
    JsonObject saved;
    if (!is_pattern_) {
        saved["position"] = to_json(files_.begin()->second.save());
        return saved;
    }
    JsonObject files;
    for (auto const& [path, follower] : files_) files[path] = to_json(follower.save());
    saved["files"] = std::move(files);
    saved["gone"] = to_json(gone_);
    return saved;
}

SourceStatus LogFiles::status() const {
    auto status = counted_;
    status.lost = lost_;
    for (auto const& [path, follower] : files_) {
        status.too_long += follower.too_long();
        status.lost += follower.lost();
        if (status.text.empty() && !(is_pattern_ && follower.missing())) {
            status.text = follower.problem();
        }
    }
    if (is_pattern_ && files_.empty()) status.text = path_ + ": no such file; waiting for one";
    if (too_many_) {
        status.text = path_ + ": more than " + std::to_string(log_files_max) +
                      " files; the others are not read, so watch them with a signal of their own";
    }
    status.reading = status.text.empty();
    return status;
}

std::vector<std::string> LogFiles::paths() const {
    std::vector<std::string> all{path_};
    if (!is_pattern_) return all;
    for (auto const& [path, follower] : files_) all.push_back(path);
    return all;
}

}  // namespace rollbackd

#include "triggers/streak_book.hpp"

#include "triggers/pack.hpp"

#include <algorithm>

namespace rollbackd {

bool StreakBook::add(
    Instant at, Counts const& counts, std::string const& by, std::string const& reason
) {
    auto const key = by.substr(0, text_bytes_max);
    auto found = logs_.find(key);
    if (found == logs_.end()) {
        if (logs_.size() >= names_max) make_room();
        found = logs_.emplace(key, Log{}).first;
    }
    return judge(found->second, at, counts, reason);
}

void StreakBook::end_all(Instant at) {
    for (auto& [by, log] : logs_) (void)judge(log, at, Counts{1, 0, 0}, {});
}

bool StreakBook::judge(Log& log, Instant at, Counts const& counts, std::string const& reason) {
    auto* const newest = log.marks.empty() ? nullptr : &log.marks.back();
    if (newest != nullptr && at < newest->last) return false;  // the streak is judged
    if (counts.success > 0) {
        if (newest != nullptr && newest->failures == 0) {
            newest->last = at;
        } else {
            log.marks.push_back({at, at, 0});
        }
    } else {
        log.marks.push_back({at, at, counts.failure});
        log.reason = reason.substr(0, text_bytes_max);
    }
    if (log.marks.size() > marks_max) thin(log);
    return true;
}

// The newest half stays exact. In the older one, successes and failures of one slice of its time
// are reduced to one row of successes and the failures after it, or to its failures: as-of answers
// become coarser there. The streak that is still running loses nothing but single event times.
void StreakBook::thin(Log& log) {
    auto& marks = log.marks;
    auto const middle = marks.begin() + std::ptrdiff_t(marks.size() / 2);
    auto const start = marks.front().first;
    auto const slice_width = std::max<Duration>(
        std::chrono::nanoseconds(1), ((middle - 1)->last - start) / std::int64_t(marks_max / 8)
    );
    auto const slice = [&](Mark const& mark) { return (mark.last - start) / slice_width; };
    std::vector<Mark> kept;
    for (auto mark = marks.begin(); mark != middle; ++mark) {
        bool const together = !kept.empty() && slice(kept.back()) == slice(*mark);
        if (together && mark->failures == 0) {
            auto whole = *mark;
            while (!kept.empty() && slice(kept.back()) == slice(*mark)) {
                // Successes that began in an earlier slice still end what was before them.
                if (kept.back().failures == 0) whole.first = kept.back().first;
                kept.pop_back();
            }
            kept.push_back(whole);
        } else if (together && kept.back().failures > 0) {
            kept.back().last = mark->last;
            kept.back().failures += mark->failures;
        } else {
            kept.push_back(*mark);
        }
    }
    kept.insert(kept.end(), middle, marks.end());
    marks = std::move(kept);
}

// Forgets the name that has been silent for longest, of those that do not fail while there is one:
// names that anybody may send must not make a running streak forgotten.
void StreakBook::make_room() {
    auto const worth = [](auto const& entry) {
        auto const& newest = entry.second.marks.back();
        return std::pair(newest.failures > 0, newest.last);
    };
    auto const oldest = std::min_element(logs_.begin(), logs_.end(), [&](auto& a, auto& b) {
        return worth(a) < worth(b);
    });
    if (oldest != logs_.end()) logs_.erase(oldest);
}

void StreakBook::expire(Instant horizon) {
    for (auto entry = logs_.begin(); entry != logs_.end();) {
        auto& marks = entry->second.marks;
        auto const keep = std::find_if(marks.begin(), marks.end(), [&](Mark const& mark) {
            return mark.last > horizon;
        });
        // The newest mark stays: it says that this streak has been judged, and how it ended.
        marks.erase(marks.begin(), keep == marks.end() && !marks.empty() ? keep - 1 : keep);
        bool const forgotten = logs_.size() > 1 && !marks.empty() && marks.back().last <= horizon;
        entry = forgotten ? logs_.erase(entry) : std::next(entry);
    }
}

StreakBook::Length StreakBook::length(Log const& log, Instant when, Instant since) {
    Length out;
    auto const oldest = when - age_max;
    for (auto mark = log.marks.rbegin(); mark != log.marks.rend(); ++mark) {
        if (mark->first > when) continue;
        if (mark->failures == 0) break;
        if (mark->last > when) continue;  // merged, and only partly there yet
        if (mark->first <= since || mark->first < oldest) break;
        out.length += mark->failures;
        out.since = mark->first;
    }
    return out;
}

Streak StreakBook::streak(
    std::string const& by, Log const& log, Length const& length, Instant when
) {
    bool const newest = length.length > 0 && log.marks.back().last <= when;
    return {length.length, length.since, by, newest ? log.reason : std::string()};
}

std::vector<Streak> StreakBook::all(Instant when, Instant since) const {
    std::vector<Streak> out;
    out.reserve(logs_.size());
    for (auto const& [by, log] : logs_) {
        out.push_back(streak(by, log, length(log, when, since), when));
    }
    std::stable_sort(out.begin(), out.end(), [](Streak const& a, Streak const& b) {
        return a.length > b.length;
    });
    return out;
}

bool StreakBook::goes_on(Instant when, Instant since) const {
    return std::any_of(logs_.begin(), logs_.end(), [&](auto const& entry) {
        auto const after = length(entry.second, when, since).length;
        return after > 0 && length(entry.second, when, Instant::min()).length > after;
    });
}

std::optional<Streak> StreakBook::longest(Instant when, Instant since, bool with_text) const {
    std::pair<std::string const, Log> const* best = nullptr;
    Length best_length;
    for (auto const& entry : logs_) {
        auto const found = length(entry.second, when, since);
        if (best == nullptr || found.length > best_length.length) {
            best = &entry;
            best_length = found;
        }
    }
    if (best == nullptr) return std::nullopt;
    if (!with_text) return Streak{best_length.length, best_length.since, {}, {}};
    return streak(best->first, best->second, best_length, when);
}

bool StreakBook::judged(Range range) const {
    return std::any_of(logs_.begin(), logs_.end(), [&](auto const& entry) {
        auto const& marks = entry.second.marks;
        return std::any_of(marks.rbegin(), marks.rend(), [&](Mark const& mark) {
            return mark.first <= range.to && mark.last > range.from;
        });
    });
}

void StreakBook::save(Packer& packer) const {
    packer.number(logs_.size());
    for (auto const& [by, log] : logs_) {
        packer.text(by);
        packer.text(log.reason);
        packer.number(log.marks.size());
        for (auto const& mark : log.marks) {
            packer.instant(mark.first);
            packer.instant(mark.last);
            packer.number(mark.failures);
        }
    }
}

void StreakBook::load(Unpacker& unpacker) {
    logs_.clear();
    for (auto names = unpacker.count(names_max); names > 0 && unpacker.ok(); --names) {
        auto const by = unpacker.text(text_bytes_max);
        auto& log = logs_[by];
        log.reason = unpacker.text(text_bytes_max);
        log.marks.resize(unpacker.count(marks_max));
        if (log.marks.empty()) unpacker.refuse();
        Instant previous = Instant::min();
        for (auto& mark : log.marks) {
            mark.first = unpacker.instant();
            mark.last = unpacker.instant();
            mark.failures = unpacker.number();
            if (mark.first < previous || mark.last < mark.first) unpacker.refuse();
            previous = mark.last;
        }
    }
}

void StreakBook::shift(Duration by) {
    for (auto& [name, log] : logs_) {
        for (auto& mark : log.marks) {
            mark.first += by;
            mark.last += by;
        }
    }
}

}  // namespace rollbackd

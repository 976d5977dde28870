// Texts over time.
#include "triggers/series.hpp"

#include "triggers/pack.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

// First run that began after `when`.
template <class Vector>
auto run_after(Vector& runs, Instant when) {
    return std::upper_bound(runs.begin(), runs.end(), when, [](Instant at, TextRun const& run) {
        return at < run.first;
    });
}

}  // namespace

void Texts::add(Instant at, std::string const& whole) {
    auto const text = whole.substr(0, text_bytes_max);
    auto next = run_after(runs_, at);
    if (next != runs_.begin()) {
        auto const run = next - 1;
        if (run->text == text) {
            run->last = std::max(run->last, at);
            return;
        }
        if (at < run->last) {  // late, in the middle of a run of something else: it splits it
            TextRun const rest{run->last, run->last, run->text};
            run->last = run->first;
            next = runs_.insert(run + 1, rest);
        }
    }
    if (next != runs_.end() && next->text == text) {
        next->first = at;
    } else {
        runs_.insert(next, TextRun{at, at, text});
    }
    if (runs_.size() > limit) runs_.erase(runs_.begin());
}

void Texts::expire(Instant horizon) {
    auto const keep = run_after(runs_, horizon);
    if (keep - runs_.begin() > 1) runs_.erase(runs_.begin(), keep - 1);
}

std::string const* Texts::at(Instant when) const {
    auto const after = run_after(runs_, when);
    return after == runs_.begin() ? nullptr : &(after - 1)->text;
}

bool Texts::changed(Range range, Instant since) const {
    auto const begin = run_after(runs_, range.from);
    auto const end = run_after(runs_, range.to);
    if (begin >= end) return false;
    // A run that began in the range is a change, unless nothing is known from before it.
    return (begin != runs_.begin() && (begin - 1)->last > since) || end - begin > 1;
}

void Texts::save(Packer& packer) const {
    packer.number(runs_.size());
    for (auto const& run : runs_) {
        packer.instant(run.first);
        packer.instant(run.last);
        packer.text(run.text);
    }
}

void Texts::load(Unpacker& unpacker) {
    runs_.resize(unpacker.count(limit + 1));
    Instant previous = Instant::min();
    for (auto& run : runs_) {
        run.first = unpacker.instant();
        run.last = unpacker.instant();
        run.text = unpacker.text(text_bytes_max);
        if (run.first < previous || run.last < run.first) unpacker.refuse();
        previous = run.last;
    }
}

void Texts::shift(Duration by) {
    for (auto& run : runs_) {
        run.first += by;
        run.last += by;
    }
}

}  // namespace rollbackd

#include "triggers/cells.hpp"

#include "triggers/pack.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

// First cell standing after `when`.
template <class Vector>
auto first_after(Vector& cells, Instant when) {
    return std::upper_bound(cells.begin(), cells.end(), when, [](Instant at, Cell const& cell) {
        return at < cell.last;
    });
}

void fold(Cell& into, Cell const& later) {
    into.first = std::min(into.first, later.first);
    if (later.last >= into.last && later.judged()) into.good = later.good;
    into.last = std::max(into.last, later.last);
    into.counts.success += later.counts.success;
    into.counts.failure += later.counts.failure;
    into.counts.neutral += later.counts.neutral;
    into.samples += later.samples;
}

}  // namespace

Duration Cells::quantum(Duration retention) {
    return std::max<Duration>(
        std::chrono::milliseconds(1), 2 * (retention / static_cast<std::int64_t>(limit))
    );
}

void Cells::add(Cell const& sample, Duration retention) {
    auto const place = first_after(cells_, sample.last);
    if (place != cells_.end() && place->first <= sample.last && place->samples > 0 &&
        sample.samples > 0) {
        fold(*place, sample);  // late, and its time lies inside a merged cell
        return;
    }
    cells_.insert(place, sample);
    if (cells_.size() > limit) {
        expire(cells_.back().last - retention);
        if (cells_.size() > limit) merge(retention);
    }
}

void Cells::merge(Duration retention) {
    auto const width = quantum(retention);
    auto const bucket = [&](Instant at) {
        auto const count = at.time_since_epoch().count();
        auto const rest = count % width.count();
        return count / width.count() - (rest < 0 ? 1 : 0);
    };
    auto const exact = cells_.end() - static_cast<std::ptrdiff_t>(exact_min);
    auto into = cells_.begin();
    for (auto cell = cells_.begin() + 1; cell != exact; ++cell) {
        bool const alike = (cell->samples > 0) == (into->samples > 0);
        if (alike && bucket(cell->last) == bucket(into->last)) {
            fold(*into, *cell);
        } else {
            *++into = *cell;
        }
    }
    cells_.erase(into + 1, exact);
    // Twice as many silent cells as buckets would be needed to get here; bounded all the same.
    if (cells_.size() > limit) {
        cells_.erase(cells_.begin(), cells_.end() - static_cast<std::ptrdiff_t>(limit));
    }
}

void Cells::expire(Instant horizon) {
    auto const keep = first_after(cells_, horizon);
    if (keep - cells_.begin() > 1) cells_.erase(cells_.begin(), keep - 1);
}

std::span<Cell const> Cells::in(Range range) const {
    auto begin = first_after(cells_, range.from);
    auto const end = first_after(cells_, range.to);
    // Merged across the beginning: what lies before it must not count (failures that a verified
    // run has answered, or of the release before), so what lies behind it does not either.
    if (begin < end && begin->first <= range.from) ++begin;
    if (begin >= end) return {};
    return {begin, end};
}

Counts Cells::counts(Range range) const {
    Counts sum;
    for (auto const& cell : in(range)) {
        sum.success += cell.counts.success;
        sum.failure += cell.counts.failure;
        sum.neutral += cell.counts.neutral;
    }
    return sum;
}

std::uint64_t Cells::samples(Range range) const {
    std::uint64_t sum = 0;
    for (auto const& cell : in(range)) sum += cell.samples;
    return sum;
}

Cell const* Cells::at(Instant when) const {
    auto const after = first_after(cells_, when);
    return after == cells_.begin() ? nullptr : &*(after - 1);
}

Cell const* Cells::known_at(Instant when) const {
    for (auto after = first_after(cells_, when); after != cells_.begin();) {
        if ((--after)->samples > 0) return &*after;
    }
    return nullptr;
}

Cell const* Cells::judged_at(Instant when) const {
    for (auto after = first_after(cells_, when); after != cells_.begin();) {
        if ((--after)->judged()) return &*after;
    }
    return nullptr;
}

std::optional<Instant> Cells::newest_failure(Range range) const {
    auto const found = in(range);
    auto const newest = std::find_if(found.rbegin(), found.rend(), [](Cell const& cell) {
        return cell.counts.failure > 0;
    });
    if (newest == found.rend()) return std::nullopt;
    return newest->last;
}

std::optional<Instant> Cells::oldest_in(Range range) const {
    auto const found = in(range);
    if (found.empty()) return std::nullopt;
    return found.front().last;
}

void Cells::save(Packer& packer) const {
    packer.number(cells_.size());
    for (auto const& cell : cells_) {
        packer.instant(cell.first);
        packer.instant(cell.last);
        packer.number(cell.counts.success);
        packer.number(cell.counts.failure);
        packer.number(cell.counts.neutral);
        packer.number(cell.samples);
        packer.number(cell.good ? 1 : 0);
    }
}

void Cells::load(Unpacker& unpacker) {
    cells_.resize(unpacker.count(limit));
    Instant previous = Instant::min();
    for (auto& cell : cells_) {
        cell.first = unpacker.instant();
        cell.last = unpacker.instant();
        cell.counts.success = unpacker.number();
        cell.counts.failure = unpacker.number();
        cell.counts.neutral = unpacker.number();
        cell.samples = static_cast<std::uint32_t>(unpacker.count(UINT32_MAX));
        cell.good = unpacker.count(1) == 1;
        if (cell.last < previous || cell.first > cell.last) unpacker.refuse();
        previous = cell.last;
    }
}

void Cells::shift(Duration by) {
    for (auto& cell : cells_) {
        cell.first += by;
        cell.last += by;
    }
}

}  // namespace rollbackd

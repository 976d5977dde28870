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

bool known(Cell const& cell) { return cell.samples > 0; }
bool silent(Cell const& cell) { return cell.samples == 0; }

void fold(Cell& into, Cell const& older) {
    if (!into.judged()) into.good = older.good;
    into.first = std::min(into.first, older.first);
    into.counts.success += older.counts.success;
    into.counts.failure += older.counts.failure;
    into.counts.neutral += older.counts.neutral;
    into.samples += older.samples;
}

}  // namespace

Duration Cells::width(Duration age) {
    return std::max<Duration>(std::chrono::milliseconds(1), age / widths_per_age);
}

void Cells::add(Cell const& sample, Duration retention) {
    if (cells_.empty() || sample.last >= cells_.back().last) {
        cells_.push_back(sample);
    } else {  // late: its time may lie inside a merged cell
        auto const place = first_after(cells_, sample.last);
        auto const around = std::find_if(place, cells_.end(), known);
        if (around != cells_.end() && around->first <= sample.last) {
            if (known(sample)) fold(*around, sample);
            return;
        }
        cells_.insert(place, sample);
    }
    if (cells_.size() > merge_at_) make_room(retention);
}

// A quarter of the room is made, so that each sample pays for few of those that are looked at;
// where that cannot be had, there will be more room the next time.
void Cells::make_room(Duration retention) {
    expire(cells_.back().last - retention);
    auto const enough = merge_at_ - merge_at_ / 4;
    merge(Merge::equal, enough);
    merge(Merge::by_age, enough);
    if (cells_.size() <= enough) return;
    // Nothing of what was counted is given up before every old silence is.
    auto const most = limit - limit / 4;
    if (cells_.size() > most) {
        auto const newest = cells_.end() - 1;
        cells_.erase(std::remove_if(cells_.begin(), newest, silent), newest);
    }
    if (cells_.size() > most) {
        cells_.erase(cells_.begin(), cells_.end() - static_cast<std::ptrdiff_t>(most));
    }
    merge_at_ = std::max(exact_max, cells_.size() + cells_.size() / 3);
}

// From the newest back, until `enough` are left. A silence between two that are put together is
// forgotten: what was so then is answered no more coarsely than the cell is wide.
void Cells::merge(Merge how, std::size_t enough) {
    if (cells_.size() <= enough) return;
    auto const newest = cells_.back().last;
    auto const end = cells_.size() - (how == Merge::by_age ? newest_min : 0);
    auto left = end;  // [left, end) are left of those looked at, [next, left) are free
    auto said = end;  // of them, the oldest that said something
    auto next = end;
    Instant reach{};  // how far back the one at `said` may reach
    auto const reach_of = [&](Cell const& cell) {
        return how == Merge::equal ? cell.last : cell.last - width(newest - cell.last);
    };
    while (next > 0 && cells_.size() - (left - next) > enough) {
        auto const& cell = cells_[next - 1];
        // Before a wide one, those of one instant were put together already.
        if (how == Merge::equal && cell.first != cell.last) break;
        --next;
        if (known(cell) && said != end && cell.first >= reach) {
            fold(cells_[said], cell);
            left = said;
        } else if (silent(cell) && left != end && silent(cells_[left]) &&
                   cell.first >= reach_of(cells_[left])) {
            cells_[left].first = cell.first;
        } else {
            cells_[--left] = cell;
            if (silent(cell)) continue;
            said = left;
            reach = reach_of(cells_[left]);
        }
    }
    auto const at = [&](std::size_t i) { return cells_.begin() + static_cast<std::ptrdiff_t>(i); };
    cells_.erase(at(next), at(left));
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
    while (begin < end && begin->first <= range.from) ++begin;
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
        if (known(*--after)) return &*after;
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
    return found.front().first;
}

Instant Cells::counted_from(Range range) const {
    auto from = range.from;
    auto cell = first_after(cells_, range.from);
    for (; cell != cells_.end() && cell->first <= range.from; ++cell) from = cell->last;
    return from < range.to ? from : range.from;
}

void Cells::save(Packer& packer) const {
    packer.number(merge_at_);
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

void Cells::load(Unpacker& unpacker, bool paced) {
    merge_at_ = std::max(exact_max, paced ? unpacker.count(limit) : 0);
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

// Numbers over time: the newest exactly, older ones summed up.
#include "triggers/pack.hpp"
#include "triggers/series.hpp"

#include <algorithm>
#include <cmath>

namespace rollbackd {

namespace {

template <class Vector>
auto number_after(Vector& numbers, Instant when) {
    return std::upper_bound(
        numbers.begin(), numbers.end(), when,
        [](Instant at, TimedNumber const& number) { return at < number.at; }
    );
}

template <class Vector>
auto older_after(Vector& older, Instant when) {
    return std::upper_bound(older.begin(), older.end(), when, [](Instant at, auto const& cell) {
        return at < cell.last();
    });
}

NumberSum only(TimedNumber const& number) {
    return {1, number.value, number.value, number.value, number};
}

}  // namespace

void Numbers::put_together(NumberSum& into, NumberSum const& other) {
    if (other.count == 0) return;
    if (into.count == 0) {
        into = other;
        return;
    }
    auto const all = into.count + other.count;
    auto const share = static_cast<long double>(other.count) / static_cast<long double>(all);
    auto const mean = into.mean * (1 - share) + other.mean * share;
    into.count = all;
    into.low = std::min(into.low, other.low);
    into.high = std::max(into.high, other.high);
    into.mean = std::clamp(static_cast<double>(mean), into.low, into.high);
    if (other.newest.at >= into.newest.at) into.newest = other.newest;
}

void Numbers::add(Instant at, double value) {
    if (!older_.empty() && at < older_.back().last()) {
        add_older({at, value});
        return;
    }
    numbers_.insert(number_after(numbers_, at), {at, value});
    if (numbers_.size() < limit + slack) return;
    auto const end = numbers_.begin() + std::ptrdiff_t(slack);
    for (auto number = numbers_.begin(); number != end; ++number) add_older(*number);
    numbers_.erase(numbers_.begin(), end);
}

// In order from add(), now and then a late one.
void Numbers::add_older(TimedNumber const& number) {
    auto const place = older_after(older_, number.at);
    if (place != older_.end() && place->first <= number.at) {
        put_together(place->sum, only(number));
        return;
    }
    auto const newest = numbers_.empty() ? number.at : numbers_.back().at;
    bool const joins = place == older_.end() && !older_.empty() &&
                       number.at - older_.back().first <= Cells::width(newest - number.at);
    if (joins) {
        put_together(older_.back().sum, only(number));
        return;
    }
    older_.insert(place, Older{number.at, only(number)});
    if (older_.size() > merge_at_) make_room();
}

// From the newest back, each as far as its age lets it reach.
void Numbers::make_room() {
    auto const newest = numbers_.empty() ? older_.back().last() : numbers_.back().at;
    auto left = older_.size();  // [left, size) are left of those looked at
    for (auto next = older_.size(); next-- > 0;) {
        auto const& cell = older_[next];
        bool const joins = left < older_.size() && older_[left].last() - cell.first <=
                                                       Cells::width(newest - older_[left].last());
        if (joins) {
            auto sum = cell.sum;
            put_together(sum, older_[left].sum);
            older_[left] = {cell.first, sum};
        } else {
            older_[--left] = cell;
        }
    }
    auto const most = older_max - older_max / 4;
    if (older_.size() - left > most) left = older_.size() - most;
    older_.erase(older_.begin(), older_.begin() + std::ptrdiff_t(left));
    merge_at_ = std::max(slack, older_.size() + older_.size() / 3);
}

void Numbers::expire(Instant horizon) {
    auto const keep = number_after(numbers_, horizon);
    if (keep - numbers_.begin() > 1) numbers_.erase(numbers_.begin(), keep - 1);
    bool const needed = numbers_.empty() || numbers_.front().at > horizon;
    auto const older = older_after(older_, horizon);
    if (!needed) {
        older_.clear();
    } else if (older - older_.begin() > 1) {
        older_.erase(older_.begin(), older - 1);
    }
}

NumberSum Numbers::sum(Range range) const {
    NumberSum out;
    // Merged across the beginning: what lies before it must not count.
    auto cell = older_after(older_, range.from);
    while (cell != older_.end() && cell->first <= range.from) ++cell;
    for (; cell != older_.end() && cell->last() <= range.to; ++cell) put_together(out, cell->sum);
    auto const exact = kept(range);
    if (exact.empty()) return out;
    NumberSum rest = only(exact.back());
    long double total = 0;
    for (auto const& number : exact) {
        rest.low = std::min(rest.low, number.value);
        rest.high = std::max(rest.high, number.value);
        total += number.value;
    }
    rest.count = exact.size();
    // Twenty samples of exactly 90 have a mean of 90, whatever adding them up rounds to.
    auto const mean = total / static_cast<long double>(exact.size());
    rest.mean = std::clamp(static_cast<double>(mean), rest.low, rest.high);
    put_together(out, rest);
    return out;
}

std::span<TimedNumber const> Numbers::in(Range range) const {
    auto const found = kept(range);
    return found.size() > limit ? found.last(limit) : found;
}

std::span<TimedNumber const> Numbers::kept(Range range) const {
    auto const begin = number_after(numbers_, range.from);
    auto const end = number_after(numbers_, range.to);
    if (begin >= end) return {};
    return {begin, end};
}

TimedNumber const* Numbers::at(Instant when) const {
    auto const after = number_after(numbers_, when);
    if (after != numbers_.begin()) return &*(after - 1);
    auto const older = older_after(older_, when);
    return older == older_.begin() ? nullptr : &(older - 1)->sum.newest;
}

void Numbers::save(Packer& packer) const {
    packer.number(numbers_.size());
    for (auto const& number : numbers_) {
        packer.instant(number.at);
        packer.real(number.value);
    }
    packer.number(merge_at_);
    packer.number(older_.size());
    for (auto const& cell : older_) {
        packer.instant(cell.first);
        packer.instant(cell.last());
        packer.number(cell.sum.count);
        for (auto const value : {cell.sum.low, cell.sum.high, cell.sum.mean, cell.sum.newest.value})
            packer.real(value);
    }
}

void Numbers::load(Unpacker& unpacker, bool summed) {
    numbers_.resize(unpacker.count(limit + slack));
    Instant previous = Instant::min();
    for (auto& number : numbers_) {
        number.at = unpacker.instant();
        number.value = unpacker.real();
        if (number.at < previous || !std::isfinite(number.value)) unpacker.refuse();
        previous = number.at;
    }
    if (!summed) return;
    merge_at_ = std::max(slack, unpacker.count(older_max));
    older_.resize(unpacker.count(older_max));
    previous = Instant::min();
    for (auto& cell : older_) {
        cell.first = unpacker.instant();
        auto& sum = cell.sum;
        sum.newest.at = unpacker.instant();
        sum.count = unpacker.number();
        sum.low = unpacker.real();
        sum.high = unpacker.real();
        sum.mean = unpacker.real();
        sum.newest.value = unpacker.real();
        bool const ordered = previous <= cell.last() && cell.first <= cell.last();
        bool const between = sum.low <= sum.mean && sum.mean <= sum.high;  // and no NaN
        bool const finite = std::isfinite(sum.low) && std::isfinite(sum.high);
        bool const whole = sum.count > 0 && std::isfinite(sum.newest.value);
        if (!ordered || !between || !finite || !whole) unpacker.refuse();
        previous = cell.last();
    }
    if (!older_.empty() && (numbers_.empty() || numbers_.front().at < previous)) unpacker.refuse();
}

void Numbers::shift(Duration by) {
    for (auto& number : numbers_) number.at += by;
    for (auto& cell : older_) {
        cell.first += by;
        cell.sum.newest.at += by;
    }
}

}  // namespace rollbackd

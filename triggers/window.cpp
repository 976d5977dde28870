#include "triggers/window.hpp"

#include <algorithm>
#include <cmath>

namespace rollbackd {

namespace {

struct Reading {
    Counts counts;
    bool known = true;
    std::optional<double> number;
    std::string const* text = nullptr;
    std::string const* reason = nullptr;
};

bool timed_out(StateValue const& value) { return value.reason.starts_with("timeout"); }

Reading read(SampleValue const& value) {
    Reading out;
    if (auto const* const state = std::get_if<StateValue>(&value)) {
        (state->ok ? out.counts.success : out.counts.failure) = 1;
        if (state->ok || timed_out(*state)) {
            out.number = std::chrono::duration<double>(state->latency).count();
        }
        out.reason = &state->reason;
    } else if (auto const* const outcomes = std::get_if<OutcomesValue>(&value)) {
        out.counts = {outcomes->success, outcomes->failure, outcomes->neutral};
        out.reason = &outcomes->reason;
    } else if (auto const* const gauge = std::get_if<GaugeValue>(&value)) {
        out.number = gauge->value;
        if (gauge->ok) (*gauge->ok ? out.counts.success : out.counts.failure) = 1;
        out.reason = &gauge->reason;
    } else if (auto const* const text = std::get_if<TextValue>(&value)) {
        out.text = &text->text;
    } else {
        out.known = false;
    }
    return out;
}

void cut(std::string& text) {
    if (text.size() > SignalWindow::text_bytes_max) text.resize(SignalWindow::text_bytes_max);
}

// What is remembered of a sample has a limit, whatever was pushed.
Sample bounded(Sample sample) {
    cut(sample.id);
    cut(sample.by);
    cut(sample.client);
    std::visit(
        [](auto& value) {
            if constexpr (requires { value.reason; }) cut(value.reason);
            if constexpr (requires { value.text; }) cut(value.text);
        },
        sample.value
    );
    return sample;
}

bool is_unknown(Sample const& sample) { return std::holds_alternative<UnknownValue>(sample.value); }

}  // namespace

SignalWindow::SignalWindow(WindowRules rules) : rules_(rules) {}

bool SignalWindow::observe(Sample const& given) {
    if (given.repeated) {
        confirm(given.at);
        return true;
    }
    if (newest_ && given.at <= newest_->at - retention()) return false;
    Sample sample = bounded(given);
    if (auto const* const gauge = std::get_if<GaugeValue>(&sample.value);
        gauge != nullptr && !std::isfinite(gauge->value)) {
        sample.value = UnknownValue{"not a finite number"};
    }
    if (!sample.id.empty() && !is_unknown(sample) && !admit(sample)) return false;
    fold(sample);
    keep(sample);
    return true;
}

void SignalWindow::disregard(Sample const& failure) {
    if (failure.id.empty()) return;
    auto const known = bounded(failure);
    ids_.admit(known.id, known.by, known.at, {false, true, false, false});
}

// Takes away what the sample's id has already counted for; false where nothing is left.
bool SignalWindow::admit(Sample& sample) {
    auto const counts = read(sample.value).counts;
    IdBook::Part seen{counts.success > 0, counts.failure > 0, counts.neutral > 0, false};
    seen.other = !seen.any();
    auto const fresh = ids_.admit(sample.id, sample.by, sample.at, seen);
    if (!fresh.any()) return false;
    if (auto* const outcomes = std::get_if<OutcomesValue>(&sample.value)) {
        if (!fresh.success) outcomes->success = 0;
        if (!fresh.failure) outcomes->failure = 0;
        if (!fresh.neutral) outcomes->neutral = 0;
    }
    return true;
}

void SignalWindow::fold(Sample& sample) {
    auto const reading = read(sample.value);
    bool const judged = reading.counts.success > 0 || reading.counts.failure > 0;
    Cell cell{sample.at, sample.at, reading.counts, 0, reading.counts.failure == 0};
    cell.samples = reading.known ? 1 : 0;
    cells_.add(cell, retention());
    if (reading.number) numbers_.add(sample.at, *reading.number);
    if (reading.text != nullptr) texts_.add(sample.at, *reading.text);
    sample.late = judged && !streaks_.add(sample.at, reading.counts, sample.by, *reading.reason);
    if (sample.ends_all && reading.counts.success > 0) streaks_.end_all(sample.at);
    if (judged && rules_.clients && !sample.client.empty()) {
        clients_.add(sample.at, sample.client, reading.counts.failure > 0);
    }
    if (reading.known && (!covered_from_ || sample.at < *covered_from_)) covered_from_ = sample.at;
}

void SignalWindow::keep(Sample const& sample) {
    if (!newest_ || sample.at >= newest_->at) newest_ = sample;
    if (tail_gone_ && sample.at <= *tail_gone_) return;
    auto const place =
        std::upper_bound(tail_.begin(), tail_.end(), sample.at, [](Instant at, Sample const& kept) {
            return at < kept.at;
        });
    auto const kept = tail_.insert(place, sample);
    kept->service.clear();  // the same in every sample: newest_ has them
    kept->signal.clear();
    if (tail_.size() < 2 * tail_max) return;
    auto const first = tail_.end() - std::ptrdiff_t(tail_max);
    tail_gone_ = (first - 1)->at;
    tail_.erase(tail_.begin(), first);
}

void SignalWindow::expire(Instant now) {
    auto const horizon = now - retention();
    cells_.expire(horizon);
    numbers_.expire(horizon);
    texts_.expire(horizon);
    clients_.expire(horizon);
    ids_.expire(now);
    streaks_.expire(horizon - StreakBook::age_max);
    if (covered_from_ && *covered_from_ < horizon) covered_from_ = horizon;
}

bool SignalWindow::stale(Instant now) const {
    auto const known = fresh_at(now);
    if (!known) return rules_.stale_after.has_value();
    return rules_.stale_after && now - *known > *rules_.stale_after;
}

std::optional<Instant> SignalWindow::fresh_at(Instant when) const {
    auto const known = known_at(when);
    if (!known || !confirmed_ || *confirmed_ > when) return known;
    return std::max(*known, *confirmed_);
}

std::optional<Instant> SignalWindow::known_at(Instant when) const {
    if (newest_ && newest_->at <= when && !is_unknown(*newest_)) return newest_->at;
    std::optional<Instant> found;
    if (auto const* const cell = cells_.known_at(when)) found = cell->last;
    // Merged cells understate it, and a probe must not look stale then: numbers have their times.
    if (auto const* const number = numbers_.at(when)) {
        found = std::max(found.value_or(number->at), number->at);
    }
    return found;
}

void SignalWindow::hear(Instant at) { heard_ = std::max(heard_.value_or(at), at); }

void SignalWindow::confirm(Instant at) { confirmed_ = std::max(confirmed_.value_or(at), at); }

std::optional<Instant> SignalWindow::spoke_at(Instant when) const {
    auto spoke = known_at(when);
    for (auto const& at : {heard_, confirmed_}) {
        if (at && *at <= when) spoke = std::max(spoke.value_or(*at), *at);
    }
    return spoke;
}

bool SignalWindow::silent_at(Instant when) const {
    auto const* const cell = cells_.at(when);
    return cell != nullptr && cell->samples == 0;
}

std::optional<SignalWindow::Judged> SignalWindow::judged_at(Instant when) const {
    auto const* const cell = cells_.judged_at(when);
    if (cell == nullptr) return std::nullopt;
    return Judged{cell->last, cell->good};
}

std::optional<Instant> SignalWindow::heard_from() const {
    return listening_since_ ? listening_since_ : covered_from_;
}

Counts SignalWindow::counts(Range range) const { return cells_.counts(range); }

std::optional<Instant> SignalWindow::newest_failure(Range range) const {
    return cells_.newest_failure(range);
}

std::vector<double> SignalWindow::values(Range range) const {
    std::vector<double> out;
    for (auto const& number : numbers_.in(range)) out.push_back(number.value);
    return out;
}

std::optional<std::string> SignalWindow::text_at(Instant when) const {
    auto const* const text = texts_.at(when);
    if (text == nullptr) return std::nullopt;
    return *text;
}

bool SignalWindow::changed(Range range, Instant since) const {
    if (texts_.changed(range, since)) return true;
    if (rules_.kind == SignalKind::gauge) {
        auto const found = numbers_.sum(range);
        if (found.count == 0) return false;
        auto const* const before = numbers_.at(range.from);
        bool const counts = before != nullptr && before->at > since;
        auto const first = counts ? before->value : found.low;
        return found.low != first || found.high != first;
    }
    auto const found = cells_.in(range);
    auto const* const before = cells_.known_at(range.from);
    bool const counts = before != nullptr && before->last > since;
    std::optional<bool> good = counts ? std::optional(before->good) : std::nullopt;
    for (auto const& cell : found) {
        if (cell.samples == 0) continue;
        // A merged cell may hold both.
        if (cell.counts.success > 0 && cell.counts.failure > 0) return true;
        if (good && *good != cell.good) return true;
        good = cell.good;
    }
    return false;
}

std::vector<Streak> SignalWindow::streaks(Instant when, Instant since) const {
    return streaks_.all(when, since);
}

std::optional<Streak> SignalWindow::longest_streak(Instant when, Instant since, bool with_text)
    const {
    return streaks_.longest(when, since, with_text);
}

void SignalWindow::shift(Duration shift) {
    cells_.shift(shift);
    numbers_.shift(shift);
    texts_.shift(shift);
    streaks_.shift(shift);
    ids_.shift(shift);
    clients_.shift(shift);
    for (auto& sample : tail_) sample.at += shift;
    if (tail_gone_) *tail_gone_ += shift;
    if (newest_) newest_->at += shift;
    if (covered_from_) *covered_from_ += shift;
    if (listening_since_) *listening_since_ += shift;
    if (heard_) *heard_ += shift;
    if (confirmed_) *confirmed_ += shift;
}

}  // namespace rollbackd

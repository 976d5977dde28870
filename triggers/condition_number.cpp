// The functions that give a number: which answers which, streaks, and what gauges measure.
#include "core/names.hpp"
#include "triggers/condition_read.hpp"

#include <algorithm>
#include <cmath>

namespace rollbackd {

namespace {

// Nearest rank: the smallest value that at least `share` of them do not exceed.
double quantile(std::span<TimedNumber const> numbers, double share) {
    if (numbers.empty()) return 0;
    std::vector<double> values;
    values.reserve(numbers.size());
    for (auto const& number : numbers) values.push_back(number.value);
    auto const rank = std::max(1.0, std::ceil(share * static_cast<double>(values.size())));
    auto const index = static_cast<std::size_t>(rank) - 1;
    std::nth_element(
        values.begin(), values.begin() + static_cast<std::ptrdiff_t>(index), values.end()
    );
    return values[index];
}

double reduce(NumberSum const& sum, std::span<TimedNumber const> newest, Fn how) {
    if (how == Fn::p50) return quantile(newest, 0.50);
    if (how == Fn::p95) return quantile(newest, 0.95);
    if (how == Fn::p99) return quantile(newest, 0.99);
    if (how == Fn::avg) return sum.mean;
    return how == Fn::min ? sum.low : sum.high;
}

}  // namespace

Number ConditionReader::number(Expr const& call) {
    if (call.function == nullptr) return gap(call, "there is no such function");
    auto const* const signal = window(call);
    // A baseline looks at the past only: whether the signal is stale now does not matter to it.
    auto const problem = call.function->fn == Fn::baseline && signal != nullptr
                             ? std::string()
                             : usable(call, signal);
    if (signal != nullptr && problem.empty()) return answer(call, *signal);
    auto const out = gap(problem);
    note(call, out, {});
    return out;
}

Number ConditionReader::answer(Expr const& call, SignalWindow const& signal) {
    switch (call.function->fn) {
        case Fn::consecutive_failures:
            return streak(call, signal);
        case Fn::failure_ratio:
            return ratio(call, signal, range(call, window_of(call), true));
        case Fn::failures:
        case Fn::count:
            return counted(call, signal);
        case Fn::rate:
            return rate(call, signal);
        case Fn::affected:
            return affected(call, signal);
        case Fn::min:
        case Fn::max:
        case Fn::avg:
        case Fn::p50:
        case Fn::p95:
        case Fn::p99:
            return measured(call, signal, range(call, window_of(call), true), call.function->fn);
        case Fn::delta:
            return delta(call, signal);
        case Fn::value:
        case Fn::days_left:
        case Fn::latency:
            return newest(call, signal);
        case Fn::baseline:
            return baseline(call, signal);
        case Fn::burn_rate:
            return burn(call, signal);
        case Fn::ok:
        case Fn::failed:
        case Fn::stale:
        case Fn::changed:
        case Fn::absent:
        case Fn::version:
        case Fn::quorum:
        case Fn::baked:
        case Fn::ready:
        case Fn::drill_due:
        case Fn::mode:
            break;
    }
    return gap(call, "this is no number");
}

Number ConditionReader::streak(Expr const& call, SignalWindow const& signal) {
    auto const since = std::max(context_.streaks_since.value_or(Instant::min()), floor());
    auto const found = signal.longest_streak(context_.now, since, explain_);
    if (context_.widen) {
        auto const from = std::max(context_.now - *context_.widen, floor());
        saw(call, signal.counts({from, context_.now}).success);
    }
    Number out;
    if (!found || !signal.judged({floor(), context_.now})) {
        out = gap(call, "no success and no failure yet");
        note(call, out, {});
        return out;
    }
    if (!context_.widen) saw(call, found->length == 0 ? 1 : 0);
    out.known = true;
    out.value = out.lower = static_cast<double>(found->length);
    out.begun = found->since;
    if (found->since) ages(*found->since + StreakBook::age_max + Duration(1));
    if (explain_) {
        if (!found->by.empty()) out.note = "by " + printable(found->by, 64);
        if (!found->reason.empty()) {
            out.note += (out.note.empty() ? "" : "; ") + printable_line(found->reason, 120);
        }
        note(
            call, out,
            {
                {"length", found->length},
                {"since", time_json(found->since)},
                {"by", printable(found->by, 64)},
                {"to", time_json(context_.now)},
            }
        );
    }
    return out;
}

Number ConditionReader::measured(
    Expr const& call, SignalWindow const& signal, Range range, Fn how
) {
    bool const share = how == Fn::p50 || how == Fn::p95 || how == Fn::p99;
    auto const newest = share ? signal.numbers(range) : std::span<TimedNumber const>();
    auto const sum = newest.empty() || explain_ ? signal.sum(range) : NumberSum();
    std::uint64_t const samples = share ? newest.size() : sum.count;
    saw(call, samples);
    Number out;
    if (samples == 0) {
        out =
            gap(call, sum.count == 0 ? "no sample in its window"
                                     : "its samples are no longer remembered one by one");
    } else {
        out.known = true;
        out.value = out.lower = reduce(sum, newest, how);
        out.samples = samples;
        out.needed = needed(share);
        out.begun = share ? newest.back().at : sum.newest.at;
        if (explain_) {
            out.note = "of " + std::to_string(sum.count);
            if (samples < sum.count) {
                out.note = "the newest " + std::to_string(samples) + " " + out.note;
            }
        }
    }
    note(
        call, out,
        {
            {"from", time_json(range.from)},
            {"to", time_json(range.to)},
            {"samples", samples},
        }
    );
    return out;
}

Number ConditionReader::delta(Expr const& call, SignalWindow const& signal) {
    auto const wanted = range(call, window_of(call), false);
    auto const sum = signal.sum(wanted);
    auto const* const before = signal.number_at(wanted.from);
    if (context_.widen) {
        auto const from = std::max(context_.now - *context_.widen, floor());
        saw(call, signal.samples({std::min(from, wanted.from), wanted.to}));
    } else {
        saw(call, sum.count);
    }
    Number out;
    bool const compares = before != nullptr && exists(before->at);
    if (!covered(signal, window_of(call)) || !compares) {
        out = gap(call, "its window is not covered yet");
    } else if (sum.count == 0) {
        out = gap(call, "no sample in its window");
    } else {
        out.known = true;
        out.value = out.lower = sum.newest.value - before->value;
        out.samples = sum.count;
        out.needed = needed(false);
        out.begun = sum.newest.at;
        if (explain_) {
            out.note = "from " + number_text(before->value, Unit::any) + " to " +
                       number_text(sum.newest.value, Unit::any);
        }
    }
    note(call, out, {{"from", time_json(wanted.from)}, {"to", time_json(wanted.to)}});
    return out;
}

Number ConditionReader::newest(Expr const& call, SignalWindow const& signal) {
    auto const from = std::max(context_.now - context_.widen.value_or(Duration::zero()), floor());
    auto const* const found = signal.number_at(context_.now);
    bool const known = found != nullptr && exists(found->at);
    saw(call, context_.widen ? signal.samples({from, context_.now}) : known ? 1 : 0);
    Number out;
    if (signal.silent_at(context_.now)) {
        out = gap(call, "the newest sample could not say");
    } else if (!known || found->at < signal.known_at(context_.now)) {
        out = gap(call, "the newest sample has no number");
    } else {
        out.known = true;
        out.value = out.lower = found->value;
        out.begun = found->at;
    }
    note(call, out, {{"at", known ? time_json(found->at) : Json(nullptr)}});
    return out;
}

Number ConditionReader::baseline(Expr const& call, SignalWindow const& signal) {
    if (!context_.deployed_at) {
        auto out = gap(call, "no deployment to compare with");
        note(call, out, {});
        return out;
    }
    Duration length = Condition::baseline_min;
    auto const name = signal_of(call);
    walk(root_, [&](Expr const& expr) {
        if (signal_of(expr) == name) length = std::max(length, window_of(expr));
    });
    auto const to = std::min(*context_.deployed_at, context_.now);
    Range const before{to - length, to};
    bool const outcomes =
        signal.rules().kind == SignalKind::outcomes ||
        (signal.rules().kind == SignalKind::state && !measures_latency(root_, name));
    auto out = outcomes ? ratio(call, signal, before) : measured(call, signal, before, Fn::avg);
    // It is the measure, not what is measured: no breach begins in it, and it is taken as it is.
    out.begun.reset();
    out.lower = out.value;
    out.share = false;
    if (!context_.widen && out.known) out.needed = needed(outcomes);
    return out;
}

}  // namespace rollbackd

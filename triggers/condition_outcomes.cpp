// The functions that count successes and failures: ratios, numbers, rates, clients, burn.
#include "triggers/condition_read.hpp"

#include <algorithm>
#include <cmath>

namespace rollbackd {

namespace {

JsonObject counted_json(Range range, Counts const& counts) {
    return {
        {"from", time_json(range.from)}, {"to", time_json(range.to)}, {"success", counts.success},
        {"failure", counts.failure},     {"neutral", counts.neutral},
    };
}

std::string of_text(std::uint64_t part, std::uint64_t whole) {
    return std::to_string(part) + " of " + std::to_string(whole);
}

double seconds(Duration length) { return std::chrono::duration<double>(length).count(); }

}  // namespace

Number ConditionReader::ratio(Expr const& call, SignalWindow const& signal, Range range) {
    auto const counts = signal.counts(range);
    auto const total = counts.total();
    saw(call, counts.success);
    if (total == 0) {
        auto out = gap(call, "no sample in its window");
        note(call, out, counted_json(range, counts));
        return out;
    }
    Number out;
    out.known = true;
    out.share = true;
    out.value = static_cast<double>(counts.failure) / static_cast<double>(total);
    out.lower = out.value;
    if (context_.rules.confidence) {
        out.lower = wilson_lower_bound(
            static_cast<double>(counts.failure), static_cast<double>(total),
            *context_.rules.confidence
        );
    }
    out.samples = total;
    out.needed = needed(true);
    out.begun = signal.newest_failure(range);
    if (explain_) {
        out.note = of_text(counts.failure, total);
        note(call, out, counted_json(range, counts));
    }
    return out;
}

Number ConditionReader::counted(Expr const& call, SignalWindow const& signal) {
    auto const wanted = range(call, window_of(call), false);
    auto const counts = signal.counts(wanted);
    bool const outcomes = counts.total() > 0;
    auto const total = outcomes ? counts.total() : signal.samples(wanted);
    if (context_.widen) {
        auto const from = std::max(context_.now - *context_.widen, floor());
        Range const wide{std::min(wanted.from, from), wanted.to};
        saw(call, outcomes ? signal.counts(wide).success : signal.samples(wide));
    } else {
        saw(call, outcomes ? counts.success : total);
    }
    Number out;
    if (total == 0 && !context_.quiet_is_zero) {
        out = gap(call, "no sample in its window");
        note(call, out, counted_json(wanted, counts));
        return out;
    }
    bool const failures = call.function->fn == Fn::failures;
    out.known = true;
    out.value = out.lower = static_cast<double>(failures ? counts.failure : total);
    out.samples = total;
    out.needed = context_.quiet_is_zero && total == 0 ? 0 : needed(false);
    out.begun = failures ? signal.newest_failure(wanted) : signal.known_at(wanted.to);
    if (explain_) {
        if (failures) out.note = "of " + std::to_string(total);
        auto entry = counted_json(wanted, counts);
        entry["samples"] = total;
        note(call, out, std::move(entry));
    }
    return out;
}

Number ConditionReader::rate(Expr const& call, SignalWindow const& signal) {
    auto length = window_of(call);
    // Widened as far as the signal is known, but never below its own window.
    if (context_.widen && signal.covered_from()) {
        auto const reach = context_.now - std::max(*signal.covered_from(), floor());
        length = std::max(length, std::min(*context_.widen, reach));
    }
    auto wanted = range(call, length, false);
    auto const counts = signal.counts(wanted);
    // A busy signal's window may begin a little late, and then it is so much shorter: nothing is
    // taken for fewer requests.
    wanted.from = signal.counted_from(wanted);
    saw(call, counts.success);
    Number out;
    if (!covered(signal, length)) {
        out = gap(call, "its window is not covered yet");
    } else if (counts.total() == 0 && !context_.quiet_is_zero) {
        out = gap(call, "no sample in its window");
    } else {
        out.known = true;
        out.value = out.lower =
            static_cast<double>(counts.total()) / seconds(wanted.to - wanted.from);
        out.samples = counts.total();
        out.needed = context_.quiet_is_zero && counts.total() == 0 ? 0 : needed(false);
        out.begun = signal.known_at(wanted.to);
        if (explain_) out.note = std::to_string(counts.total()) + " in " + format_duration(length);
    }
    note(call, out, counted_json(wanted, counts));
    return out;
}

Number ConditionReader::affected(Expr const& call, SignalWindow const& signal) {
    auto const wanted = range(call, window_of(call), true);
    auto const clients = signal.clients(wanted);
    saw(call, clients.seen - clients.failing);
    Number out;
    if (clients.seen == 0) {
        out = gap(call, "no client in its window");
    } else {
        auto const failing = static_cast<double>(clients.failing);
        auto const seen = static_cast<double>(clients.seen);
        out.known = true;
        out.share = true;
        out.value = out.lower = failing / seen;
        if (context_.rules.confidence) {
            out.lower = wilson_lower_bound(failing, seen, *context_.rules.confidence);
        }
        out.samples = clients.seen;
        out.needed = needed(true);
        out.begun = signal.newest_failure(wanted);
        if (explain_) out.note = of_text(clients.failing, clients.seen) + " affected";
    }
    note(
        call, out,
        {
            {"from", time_json(wanted.from)},
            {"to", time_json(wanted.to)},
            {"seen", clients.seen},
            {"failing", clients.failing},
        }
    );
    return out;
}

Number ConditionReader::burn(Expr const& call, SignalWindow const& signal) {
    if (call.args.size() != 4) return gap(call, "it is written burn_rate(signal, 99.9%, 1h, 5m)");
    // 1 - 0.999 is not 0.001 in binary; no objective has more than twelve digits.
    auto const budget = std::round((1 - call.args[1].number) * 1e12) / 1e12;
    if (!(budget > 0)) return gap(call, "the objective leaves no budget");
    auto slow = ratio(call, signal, range(call, call.args[2].duration, true));
    auto fast = ratio(call, signal, range(call, call.args[3].duration, true));
    if (!slow.known) return slow;
    if (!fast.known) return fast;
    auto out = fast.value < slow.value ? fast : slow;
    out.value = std::min(slow.value, fast.value) / budget;
    out.lower = std::min(slow.lower, fast.lower) / budget;
    auto const& thin = slow.thin() ? slow : fast;
    out.samples = thin.samples;
    out.needed = thin.needed;
    out.begun = fast.begun;
    if (explain_) {
        out.note = slow.note + " in " + format_duration(call.args[2].duration) + ", " + fast.note +
                   " in " + format_duration(call.args[3].duration);
        note(
            call, out,
            {
                {"long", slow.value / budget},
                {"short", fast.value / budget},
                {"long_samples", slow.samples},
                {"short_samples", fast.samples},
            }
        );
    }
    return out;
}

}  // namespace rollbackd

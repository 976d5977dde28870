#include "triggers/readings.hpp"

#include "triggers/condition_expr.hpp"

namespace rollbackd {

namespace {

/// "3 < f(s)" is read as "f(s) > 3".
Comparison mirrored(Comparison comparison) {
    switch (comparison) {
        case Comparison::less:
            return Comparison::greater;
        case Comparison::less_equal:
            return Comparison::greater_equal;
        case Comparison::greater:
            return Comparison::less;
        case Comparison::greater_equal:
            return Comparison::less_equal;
        case Comparison::equal:
        case Comparison::not_equal:
            break;
    }
    return comparison;
}

SignalReading reading_of(Expr const& call) {
    SignalReading out;
    out.signal = signal_of(call);
    out.function = call.text;
    auto const window = window_of(call);
    if (window > Duration::zero()) out.window = window;
    return out;
}

/// `expr` with what it stands beside in a comparison; only a call that is a whole side has a
/// threshold of its own.
void gather(
    Expr const& expr, Expr const* beside, Comparison comparison, std::vector<SignalReading>& out
) {
    if (expr.op == Op::compare && expr.args.size() == 2) {
        gather(expr.args[0], &expr.args[1], expr.comparison, out);
        gather(expr.args[1], &expr.args[0], mirrored(expr.comparison), out);
        return;
    }
    if (expr.op == Op::call && !signal_of(expr).empty()) {
        auto reading = reading_of(expr);
        bool const compared = beside != nullptr && bounds_of(*beside).constant();
        if (compared) {
            reading.comparison = symbol(comparison);
            reading.threshold = bounds_of(*beside).low;
        }
        out.push_back(std::move(reading));
    }
    for (auto const& arg : expr.args) gather(arg, nullptr, comparison, out);
}

}  // namespace

std::vector<SignalReading> readings_of(Condition const& condition) {
    std::vector<SignalReading> out;
    if (!condition.empty()) gather(condition.root(), nullptr, Comparison::equal, out);
    return out;
}

}  // namespace rollbackd

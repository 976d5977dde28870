// Whether a probe brings the samples a window needs before it is judged: 20 for a ratio or quantile
// (or min_count) do not come in 30 seconds from a probe that is asked every five.
#include "triggers/condition_expr.hpp"

#include <cmath>

namespace rollbackd {

namespace {

constexpr std::uint64_t share_samples = 20;  // DESIGN A2, "Enough data"

/// The shortest of the windows a call asks for.
Duration shortest_window(Expr const& call) {
    auto shortest = window_of(call);
    for (auto const& arg : call.args) {
        if (arg.op == Op::number && arg.unit == Unit::seconds) {
            shortest = std::min(shortest, arg.duration);
        }
    }
    return shortest;
}

}  // namespace

double samples_held(Duration window, Duration pace) {
    return std::floor(double(window.count()) / double(pace.count())) + 1;
}

std::vector<ConditionProblem> check_samples(
    Expr const& root, SignalTable const& signals, JudgeRules const& rules
) {
    std::vector<ConditionProblem> out;
    walk(root, [&](Expr const& expr) {
        auto const found = signals.find(signal_of(expr));
        if (found == signals.end() || !expr.function->fills) return;
        auto const& [name, traits] = *found;
        if (!traits.every || !traits.fastest) return;
        if (traits.kind == SignalKind::outcomes) return;  // one answer may hold many
        auto const window = shortest_window(expr);
        auto const needed = rules.min_count.value_or(expr.function->share ? share_samples : 1);
        // A sample exactly as old as the window is out of it, and a probe asks at a steady pace.
        auto const held = samples_held(window - Duration(1), *traits.every);
        if (held >= double(needed)) return;
        auto const fastest = samples_held(window, *traits.fastest);
        bool const never = fastest < double(needed);
        auto const pace = never ? *traits.fastest : *traits.every;
        out.push_back(
            {expr.begin,
             call_text(expr) + " is judged once it holds " + std::to_string(needed) +
                 " samples, and " + name + ", asked every " + format_duration(pace) +
                 ", brings at most " + std::to_string(long(never ? fastest : held)) + " in " +
                 format_duration(window) + (never ? "" : ": it is blind but for confirm_every") +
                 "; widen the window, or set min_count lower",
             !never}
        );
    });
    return out;
}

}  // namespace rollbackd

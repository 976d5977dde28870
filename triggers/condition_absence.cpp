// Whether missing data alone can make a condition true (A5.4): such a trigger may alert or ask.
#include "triggers/condition_expr.hpp"

namespace rollbackd {

namespace {

constexpr std::size_t absences_max = 8;  // beyond it, "it can"

Verdict inverse(Verdict verdict) {
    if (verdict == Verdict::unknown) return verdict;
    return verdict == Verdict::true_ ? Verdict::false_ : Verdict::true_;
}

bool is_absence(Expr const& expr) {
    return expr.op == Op::call && expr.function != nullptr &&
           (expr.function->fn == Fn::absent || expr.function->fn == Fn::stale ||
            expr.function->fn == Fn::drill_due);
}

/// Which of the absences each of their calls is, and what is assumed of each.
struct World {
    std::map<Expr const*, std::size_t> which;
    std::vector<Verdict> verdicts;
};

struct Tally {
    std::size_t yes = 0;
    std::size_t no = 0;
    std::size_t all = 0;
};

Verdict assume(Expr const& expr, World const& world);

Tally tally(Expr const& expr, World const& world) {
    Tally out;
    for (auto const& arg : expr.args) {
        auto const verdict = assume(arg, world);
        out.yes += verdict == Verdict::true_ ? 1 : 0;
        out.no += verdict == Verdict::false_ ? 1 : 0;
        ++out.all;
    }
    return out;
}

// Verdict with everything unknown but the absences.
Verdict assume(Expr const& expr, World const& world) {
    switch (expr.op) {
        case Op::boolean:
            return expr.number != 0 ? Verdict::true_ : Verdict::false_;
        case Op::not_:
            return inverse(assume(expr.args[0], world));
        case Op::and_: {
            auto const parts = tally(expr, world);
            if (parts.no > 0) return Verdict::false_;
            return parts.yes == parts.all ? Verdict::true_ : Verdict::unknown;
        }
        case Op::or_: {
            auto const parts = tally(expr, world);
            if (parts.yes > 0) return Verdict::true_;
            return parts.no == parts.all ? Verdict::false_ : Verdict::unknown;
        }
        case Op::compare: {
            auto const left = bounds_of(expr.args[0]);
            auto const right = bounds_of(expr.args[1]);
            bool const text = expr.args[0].op == Op::text || expr.args[1].op == Op::text;
            if (text || !left.constant() || !right.constant()) return Verdict::unknown;
            return holds(left.low, expr.comparison, right.low) ? Verdict::true_ : Verdict::false_;
        }
        case Op::call: {
            auto const absence = world.which.find(&expr);
            if (absence != world.which.end()) return world.verdicts[absence->second];
            if (expr.function == nullptr || expr.function->fn != Fn::quorum || expr.args.empty()) {
                return Verdict::unknown;
            }
            auto const votes = double(tally(expr, world).yes);
            return votes >= expr.args[0].number ? Verdict::true_ : Verdict::unknown;
        }
        case Op::number:
        case Op::text:
        case Op::name:
        case Op::negate:
        case Op::add:
        case Op::subtract:
        case Op::multiply:
        case Op::divide:
            return Verdict::unknown;
    }
    return Verdict::unknown;
}

/// The next way to be missing, present or not known; false: that was the last.
bool advance(std::vector<Verdict>& verdicts) {
    for (auto& verdict : verdicts) {
        if (verdict == Verdict::unknown) {
            verdict = Verdict::true_;
            return true;
        }
        if (verdict == Verdict::true_) {
            verdict = Verdict::false_;
            return true;
        }
        verdict = Verdict::unknown;
    }
    return false;
}

}  // namespace

bool can_be_true_by_absence(Condition const& condition) {
    if (condition.empty()) return false;
    std::map<std::string, std::size_t> numbers;
    World world;
    walk(condition.root(), [&](Expr const& expr) {
        if (!is_absence(expr)) return;
        auto const number = numbers.emplace(call_text(expr), numbers.size()).first->second;
        world.which[&expr] = number;
    });
    if (numbers.size() > absences_max) return true;
    world.verdicts.assign(numbers.size(), Verdict::unknown);
    // Each is missing, present, or not known: true through those that are missing?
    do {
        if (assume(condition.root(), world) != Verdict::true_) continue;
        auto without = world;
        for (auto& verdict : without.verdicts) {
            if (verdict == Verdict::true_) verdict = Verdict::unknown;
        }
        if (assume(condition.root(), without) != Verdict::true_) return true;
    } while (advance(world.verdicts));
    return false;
}

}  // namespace rollbackd

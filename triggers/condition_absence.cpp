// Whether missing data alone can make a condition true (A5.4): such a trigger may alert or ask.
#include "triggers/condition_expr.hpp"

namespace rollbackd {

namespace {

constexpr std::size_t absences_max = 10;  // beyond it, "it can"

Verdict inverse(Verdict verdict) {
    if (verdict == Verdict::unknown) return verdict;
    return verdict == Verdict::true_ ? Verdict::false_ : Verdict::true_;
}

bool is_absence(Expr const& expr) {
    return expr.op == Op::call && expr.function != nullptr &&
           (expr.function->fn == Fn::absent || expr.function->fn == Fn::stale);
}

using Absences = std::map<std::string, Verdict>;

// Verdict with everything unknown but the absences.
Verdict assume(Expr const& expr, Absences const& absences) {
    if (is_absence(expr)) return absences.at(call_text(expr));
    std::vector<Verdict> parts;
    parts.reserve(expr.args.size());
    for (auto const& arg : expr.args) parts.push_back(assume(arg, absences));
    auto const count = [&](Verdict verdict) {
        return std::count(parts.begin(), parts.end(), verdict);
    };
    switch (expr.op) {
        case Op::boolean:
            return expr.number != 0 ? Verdict::true_ : Verdict::false_;
        case Op::not_:
            return inverse(parts[0]);
        case Op::and_:
            if (count(Verdict::false_) > 0) return Verdict::false_;
            return count(Verdict::true_) == 2 ? Verdict::true_ : Verdict::unknown;
        case Op::or_:
            if (count(Verdict::true_) > 0) return Verdict::true_;
            return count(Verdict::false_) == 2 ? Verdict::false_ : Verdict::unknown;
        case Op::compare: {
            auto const left = bounds_of(expr.args[0]);
            auto const right = bounds_of(expr.args[1]);
            bool const text = expr.args[0].op == Op::text || expr.args[1].op == Op::text;
            if (text || !left.constant() || !right.constant()) return Verdict::unknown;
            return holds(left.low, expr.comparison, right.low) ? Verdict::true_ : Verdict::false_;
        }
        case Op::call: {
            if (expr.function == nullptr || expr.function->fn != Fn::quorum || expr.args.empty()) {
                return Verdict::unknown;
            }
            return double(count(Verdict::true_)) >= expr.args[0].number ? Verdict::true_
                                                                        : Verdict::unknown;
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

}  // namespace

bool can_be_true_by_absence(Condition const& condition) {
    if (condition.empty()) return false;
    Absences absences;
    walk(condition.root(), [&](Expr const& expr) {
        if (is_absence(expr)) absences[call_text(expr)] = Verdict::unknown;
    });
    if (absences.size() > absences_max) return true;
    // Each is missing, present, or not known: true through those that are missing?
    std::size_t cases = 1;
    for (std::size_t i = 0; i < absences.size(); ++i) cases *= 3;
    for (std::size_t number = 0; number < cases; ++number) {
        auto rest = number;
        auto without = absences;
        for (auto& [call, verdict] : absences) {
            verdict = static_cast<Verdict>(rest % 3);
            without[call] = verdict == Verdict::true_ ? Verdict::unknown : verdict;
            rest /= 3;
        }
        if (assume(condition.root(), absences) == Verdict::true_ &&
            assume(condition.root(), without) != Verdict::true_) {
            return true;
        }
    }
    return false;
}

}  // namespace rollbackd

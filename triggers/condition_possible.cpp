// What a condition can become, whatever the signals say: whether it can be true at all, and whether
// it can be true because of missing data alone (A5.4).
#include "triggers/condition_expr.hpp"

#include <cmath>
#include <limits>

namespace rollbackd {

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr std::size_t branches_max = 4096;  // beyond it, "it can"
constexpr std::size_t absences_max = 10;    // likewise

double times(double a, double b) { return a == 0 || b == 0 ? 0 : a * b; }

Bounds product(Bounds a, Bounds b) {
    double const all[] = {
        times(a.low, b.low), times(a.low, b.high), times(a.high, b.low), times(a.high, b.high)
    };
    return {*std::min_element(all, all + 4), *std::max_element(all, all + 4)};
}

Comparison opposite(Comparison comparison) {
    switch (comparison) {
        case Comparison::less:
            return Comparison::greater_equal;
        case Comparison::less_equal:
            return Comparison::greater;
        case Comparison::greater:
            return Comparison::less_equal;
        case Comparison::greater_equal:
            return Comparison::less;
        case Comparison::equal:
            return Comparison::not_equal;
        case Comparison::not_equal:
            return Comparison::equal;
    }
    return comparison;
}

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
            return comparison;
    }
    return comparison;
}

bool possible(Bounds left, Comparison comparison, Bounds right) {
    switch (comparison) {
        case Comparison::less:
            return left.low < right.high;
        case Comparison::less_equal:
            return left.low <= right.high;
        case Comparison::greater:
            return left.high > right.low;
        case Comparison::greater_equal:
            return left.high >= right.low;
        case Comparison::equal:
            return left.low <= right.high && left.high >= right.low;
        case Comparison::not_equal:
            return !(left.constant() && right.constant() && left.low == right.low);
    }
    return true;
}

/// What has been demanded of one term so far.
struct Demand {
    double low = -inf;
    double high = inf;
    bool low_open = false;
    bool high_open = false;
    std::set<double> barred;
    std::optional<bool> truth;
    std::optional<std::string> text;
    std::set<std::string> other_texts;

    bool possible() const {
        if (low > high) return false;
        if (low == high && (low_open || high_open || barred.contains(low))) return false;
        return !text || !other_texts.contains(*text);
    }

    void number(Comparison comparison, double value, bool whole) {
        if (whole && std::floor(value) != value) {  // between two whole numbers
            if (comparison == Comparison::equal) low = inf, high = -inf;
            if (comparison == Comparison::not_equal) return;
        }
        if (whole && comparison == Comparison::less) {
            comparison = Comparison::less_equal;
            value = std::ceil(value) - 1;
        } else if (whole && comparison == Comparison::greater) {
            comparison = Comparison::greater_equal;
            value = std::floor(value) + 1;
        }
        auto const above = [&](double limit, bool open) {
            if (limit > low) low_open = open;
            if (limit == low) low_open = low_open || open;
            low = std::max(low, limit);
        };
        auto const below = [&](double limit, bool open) {
            if (limit < high) high_open = open;
            if (limit == high) high_open = high_open || open;
            high = std::min(high, limit);
        };
        switch (comparison) {
            case Comparison::less:
                below(value, true);
                break;
            case Comparison::less_equal:
                below(value, false);
                break;
            case Comparison::greater:
                above(value, true);
                break;
            case Comparison::greater_equal:
                above(value, false);
                break;
            case Comparison::equal:
                above(value, false);
                below(value, false);
                break;
            case Comparison::not_equal:
                barred.insert(value);
                break;
        }
    }
};

struct Goal {
    Expr const* expr;
    bool wanted;
};

/// Searches for demands on the terms that do not contradict each other.
class Search {
public:
    bool solve(std::vector<Goal> goals, std::map<std::string, Demand> demands) {
        while (!goals.empty()) {
            if (++branches_ > branches_max) return true;
            auto const goal = goals.back();
            goals.pop_back();
            auto const& expr = *goal.expr;
            if (expr.op == Op::not_) {
                goals.push_back({&expr.args[0], !goal.wanted});
            } else if (expr.op == Op::and_ || expr.op == Op::or_) {
                bool const both = (expr.op == Op::and_) == goal.wanted;
                if (!both) {
                    auto first = goals;
                    first.push_back({&expr.args[0], goal.wanted});
                    if (solve(std::move(first), demands)) return true;
                } else {
                    goals.push_back({&expr.args[0], goal.wanted});
                }
                goals.push_back({&expr.args[1], goal.wanted});
            } else if (!demand(goal, goals, demands)) {
                return false;
            }
        }
        return true;
    }

private:
    static bool demand(
        Goal goal, std::vector<Goal>& goals, std::map<std::string, Demand>& demands
    ) {
        auto const& expr = *goal.expr;
        switch (expr.op) {
            case Op::boolean:
                return (expr.number != 0) == goal.wanted;
            case Op::compare:
                return compare(expr, goal.wanted, demands);
            case Op::call:
                if (expr.function == nullptr) return true;
                if (expr.function->fn == Fn::quorum) return quorum(goal, goals);
                return truth(expr, goal.wanted, demands);
            case Op::number:
            case Op::text:
            case Op::name:
            case Op::negate:
            case Op::add:
            case Op::subtract:
            case Op::multiply:
            case Op::divide:
            case Op::not_:
            case Op::and_:
            case Op::or_:
                return true;
        }
        return true;
    }

    static bool truth(Expr const& call, bool wanted, std::map<std::string, Demand>& demands) {
        auto key = call_text(call);
        if (call.function->fn == Fn::failed) {
            key = "ok" + key.substr(key.find('('));
            wanted = !wanted;
        }
        auto& known = demands[key].truth;
        if (known && *known != wanted) return false;
        known = wanted;
        return true;
    }

    // All of them where every one is needed; otherwise too many ways to try.
    static bool quorum(Goal goal, std::vector<Goal>& goals) {
        auto const& args = goal.expr->args;
        if (args.empty() || args[0].op != Op::number) return true;
        auto const voters = static_cast<double>(args.size() - 1);
        if (!goal.wanted) return args[0].number > 0;
        if (args[0].number > voters) return false;
        if (args[0].number == voters) {
            for (std::size_t i = 1; i < args.size(); ++i) goals.push_back({&args[i], true});
        }
        return true;
    }

    static bool compare(Expr const& expr, bool wanted, std::map<std::string, Demand>& demands) {
        auto const comparison = wanted ? expr.comparison : opposite(expr.comparison);
        auto const& left = expr.args[0];
        auto const& right = expr.args[1];
        if (right.op == Op::text) return texts(left, comparison, right, demands);
        if (left.op == Op::text) return texts(right, comparison, left, demands);
        auto const left_bounds = bounds_of(left);
        auto const right_bounds = bounds_of(right);
        if (!possible(left_bounds, comparison, right_bounds)) return false;
        if (left.op == Op::call && right.op == Op::call && call_text(left) == call_text(right)) {
            return holds(0, comparison, 0);
        }
        if (left.op == Op::call && right_bounds.constant()) {
            return number(left, comparison, right_bounds.low, demands);
        }
        if (right.op == Op::call && left_bounds.constant()) {
            return number(right, mirrored(comparison), left_bounds.low, demands);
        }
        return true;
    }

    static bool number(
        Expr const& call, Comparison comparison, double value,
        std::map<std::string, Demand>& demands
    ) {
        auto& known = demands[call_text(call)];
        auto const bounds = bounds_of(call);
        known.low = std::max(known.low, bounds.low);
        known.high = std::min(known.high, bounds.high);
        known.number(comparison, value, call.function != nullptr && call.function->whole);
        return known.possible();
    }

    static bool texts(
        Expr const& term, Comparison comparison, Expr const& literal,
        std::map<std::string, Demand>& demands
    ) {
        bool const same = comparison == Comparison::equal;
        if (term.op == Op::text) return (term.text == literal.text) == same;
        auto& known = demands[call_text(term)];
        if (!same) {
            known.other_texts.insert(literal.text);
        } else if (known.text && *known.text != literal.text) {
            return false;
        } else {
            known.text = literal.text;
        }
        return known.possible();
    }

    std::size_t branches_ = 0;
};

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

bool holds(double left, Comparison comparison, double right) {
    switch (comparison) {
        case Comparison::less:
            return left < right;
        case Comparison::less_equal:
            return left <= right;
        case Comparison::greater:
            return left > right;
        case Comparison::greater_equal:
            return left >= right;
        case Comparison::equal:
            return left == right;
        case Comparison::not_equal:
            return left != right;
    }
    return false;
}

Bounds bounds_of(Expr const& expr) {
    switch (expr.op) {
        case Op::number:
            return {expr.number, expr.number};
        case Op::call:
            if (expr.function == nullptr) return {-inf, inf};
            return {expr.function->low, expr.function->high};
        case Op::negate: {
            auto const inner = bounds_of(expr.args[0]);
            return {-inner.high, -inner.low};
        }
        case Op::add:
        case Op::subtract: {
            auto const left = bounds_of(expr.args[0]);
            auto right = bounds_of(expr.args[1]);
            if (expr.op == Op::subtract) right = {-right.high, -right.low};
            return {left.low + right.low, left.high + right.high};
        }
        case Op::multiply:
            return product(bounds_of(expr.args[0]), bounds_of(expr.args[1]));
        case Op::divide: {
            auto const right = bounds_of(expr.args[1]);
            if (right.low <= 0 && right.high >= 0) return {-inf, inf};
            return product(bounds_of(expr.args[0]), {1 / right.high, 1 / right.low});
        }
        case Op::text:
        case Op::boolean:
        case Op::name:
        case Op::compare:
        case Op::not_:
        case Op::and_:
        case Op::or_:
            return {-inf, inf};
    }
    return {-inf, inf};
}

bool can_be_true(Expr const& root) { return Search().solve({{&root, true}}, {}); }

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

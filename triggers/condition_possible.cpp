// Whether a condition can be true at all, whatever the signals say: searched for, with everything
// that is demanded of each term on the way.
#include "triggers/condition_expr.hpp"

#include <cmath>
#include <limits>

namespace rollbackd {

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr std::size_t branches_max = 4096;  // beyond it, "it can"

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
    Search(SignalTable const& signals, CheckRules const& rules)
        : signals_(signals), rules_(rules) {}

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
    bool demand(Goal goal, std::vector<Goal>& goals, std::map<std::string, Demand>& demands) {
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

    /// What bounds_of says, and what is known of the signal: a probe gives only so many samples,
    /// and the count of an empty window is unknown, never 0.
    Bounds bounds(Expr const& expr) const {
        auto out = bounds_of(expr);
        if (expr.op != Op::call || expr.function == nullptr) return out;
        auto const fn = expr.function->fn;
        if (fn == Fn::count && !rules_.quiet_is_zero) out.low = std::max(out.low, 1.0);
        auto const traits = signals_.find(signal_of(expr));
        if (traits == signals_.end() || !traits->second.fastest) return out;
        if (traits->second.kind == SignalKind::outcomes) return out;  // one answer may hold many
        if (fn != Fn::count && fn != Fn::failures) return out;
        out.high = std::min(out.high, samples_held(window_of(expr), *traits->second.fastest));
        return out;
    }

    bool compare(Expr const& expr, bool wanted, std::map<std::string, Demand>& demands) const {
        auto const comparison = wanted ? expr.comparison : opposite(expr.comparison);
        auto const& left = expr.args[0];
        auto const& right = expr.args[1];
        if (right.op == Op::text) return texts(left, comparison, right, demands);
        if (left.op == Op::text) return texts(right, comparison, left, demands);
        auto const left_bounds = bounds(left);
        auto const right_bounds = bounds(right);
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

    bool number(
        Expr const& call, Comparison comparison, double value,
        std::map<std::string, Demand>& demands
    ) const {
        auto& known = demands[call_text(call)];
        auto const limits = bounds(call);
        known.low = std::max(known.low, limits.low);
        known.high = std::min(known.high, limits.high);
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

    SignalTable const& signals_;
    CheckRules const& rules_;
    std::size_t branches_ = 0;
};

}  // namespace

bool can_be_true(Expr const& root, SignalTable const& signals, CheckRules const& rules) {
    return Search(signals, rules).solve({{&root, true}}, {});
}

}  // namespace rollbackd

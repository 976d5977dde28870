// What a number can be, whatever the signals say.
#include "triggers/condition_expr.hpp"

#include <limits>

namespace rollbackd {

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

double times(double a, double b) { return a == 0 || b == 0 ? 0 : a * b; }

Bounds product(Bounds a, Bounds b) {
    double const all[] = {
        times(a.low, b.low), times(a.low, b.high), times(a.high, b.low), times(a.high, b.high)
    };
    return {*std::min_element(all, all + 4), *std::max_element(all, all + 4)};
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

}  // namespace rollbackd

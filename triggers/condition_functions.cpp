#include "triggers/condition_expr.hpp"

#include <array>
#include <limits>

namespace rollbackd {

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

using S = Shape;
using T = Type;
using U = Unit;

// clang-format off
constexpr std::array<Function, 29> table{{
    // name                   fn                        takes             gives       unit        kinds    low  high whole  share  fills  timing
    {"ok",                   Fn::ok,                   S::signal,        T::boolean, U::plain,   "so",       0,   1, false, false, false, false},
    {"failed",               Fn::failed,               S::signal,        T::boolean, U::plain,   "so",       0,   1, false, false, false, false},
    {"stale",                Fn::stale,                S::signal,        T::boolean, U::plain,   "sogt",     0,   1, false, false, false, false},
    {"consecutive_failures", Fn::consecutive_failures, S::signal,        T::number,  U::plain,   "so",       0, inf, true,  false, false, false},
    {"failure_ratio",        Fn::failure_ratio,        S::signal_window, T::number,  U::ratio,   "so",       0,   1, false, true,  true,  false},
    {"failures",             Fn::failures,             S::signal_window, T::number,  U::plain,   "so",       0, inf, true,  false, true,  false},
    {"count",                Fn::count,                S::signal_window, T::number,  U::plain,   "sogt",     0, inf, true,  false, true,  false},
    {"rate",                 Fn::rate,                 S::signal_window, T::number,  U::plain,   "so",       0, inf, false, false, true,  false},
    {"affected",             Fn::affected,             S::signal_window, T::number,  U::ratio,   "so",       0,   1, false, true,  false, false},
    {"value",                Fn::value,                S::signal,        T::number,  U::any,     "g",     -inf, inf, false, false, false, false},
    {"min",                  Fn::min,                  S::signal_window, T::number,  U::any,     "sg",    -inf, inf, false, false, true,  true },
    {"max",                  Fn::max,                  S::signal_window, T::number,  U::any,     "sg",    -inf, inf, false, false, true,  true },
    {"avg",                  Fn::avg,                  S::signal_window, T::number,  U::any,     "sg",    -inf, inf, false, false, true,  true },
    {"p50",                  Fn::p50,                  S::signal_window, T::number,  U::any,     "sg",    -inf, inf, false, true,  true,  true },
    {"p95",                  Fn::p95,                  S::signal_window, T::number,  U::any,     "sg",    -inf, inf, false, true,  true,  true },
    {"p99",                  Fn::p99,                  S::signal_window, T::number,  U::any,     "sg",    -inf, inf, false, true,  true,  true },
    {"delta",                Fn::delta,                S::signal_window, T::number,  U::any,     "g",     -inf, inf, false, false, false, false},
    {"changed",              Fn::changed,              S::signal_window, T::boolean, U::plain,   "sgt",      0,   1, false, false, false, false},
    {"absent",               Fn::absent,               S::signal_window, T::boolean, U::plain,   "sogt",     0,   1, false, false, false, false},
    {"version",              Fn::version,              S::signal,        T::text,    U::plain,   "t",        0,   0, false, false, false, false},
    {"baseline",             Fn::baseline,             S::signal,        T::number,  U::any,     "sog",   -inf, inf, false, true,  false, false},
    {"days_left",            Fn::days_left,            S::signal,        T::number,  U::days,    "g",     -inf, inf, false, false, false, false},
    {"latency",              Fn::latency,              S::signal,        T::number,  U::seconds, "s",        0, inf, false, false, false, true },
    {"burn_rate",            Fn::burn_rate,            S::burn,          T::number,  U::plain,   "so",       0, inf, false, true,  true,  false},
    {"quorum",               Fn::quorum,               S::quorum,        T::boolean, U::plain,   "",         0,   1, false, false, false, false},
    {"baked",                Fn::baked,                S::service,       T::boolean, U::plain,   "",         0,   1, false, false, false, false},
    {"ready",                Fn::ready,                S::playbook,      T::boolean, U::plain,   "",         0,   1, false, false, false, false},
    {"drill_due",            Fn::drill_due,            S::playbook_window, T::boolean, U::plain, "",         0,   1, false, false, false, false},
    {"mode",                 Fn::mode,                 S::service,       T::text,    U::plain,   "",         0,   0, false, false, false, false},
}};
// clang-format on

bool reads_signal(Expr const& expr) {
    if (expr.op != Op::call || expr.args.empty() || expr.args[0].op != Op::name) return false;
    if (expr.function == nullptr) return false;
    return !asks_fact(expr);
}

std::string literal_text(Expr const& expr) {
    if (expr.op == Op::text) return '"' + expr.text + '"';
    return expr.text;  // as it was written
}

}  // namespace

std::span<Function const> functions() { return table; }

bool asks_fact(Expr const& call) {
    if (call.op != Op::call || call.function == nullptr) return false;
    auto const shape = call.function->shape;
    return shape == Shape::service || shape == Shape::playbook || shape == Shape::playbook_window;
}

Function const* find_function(std::string_view name) {
    for (auto const& function : table) {
        if (function.name == name) return &function;
    }
    return nullptr;
}

std::string_view symbol(Comparison comparison) {
    switch (comparison) {
        case Comparison::less:
            return "<";
        case Comparison::less_equal:
            return "<=";
        case Comparison::greater:
            return ">";
        case Comparison::greater_equal:
            return ">=";
        case Comparison::equal:
            return "==";
        case Comparison::not_equal:
            return "!=";
    }
    return "?";
}

std::string_view signal_of(Expr const& call) {
    return reads_signal(call) ? std::string_view(call.args[0].text) : std::string_view();
}

Duration window_of(Expr const& call) {
    if (call.op != Op::call || call.function == nullptr) return {};
    Duration longest{};
    auto const shape = call.function->shape;
    if (shape == Shape::signal_window || shape == Shape::playbook_window || shape == Shape::burn) {
        for (auto const& arg : call.args) {
            if (arg.op == Op::number && arg.unit == Unit::seconds) {
                longest = std::max(longest, arg.duration);
            }
        }
    }
    return longest;
}

std::string call_text(Expr const& call) {
    if (call.op != Op::call) return literal_text(call);
    std::string out = call.text + "(";
    for (std::size_t i = 0; i < call.args.size(); ++i) {
        out += (i > 0 ? ", " : "") + call_text(call.args[i]);
    }
    return out + ")";
}

bool measures_latency(Expr const& root, std::string_view signal) {
    bool found = false;
    walk(root, [&](Expr const& expr) {
        found = found || (signal_of(expr) == signal && !signal.empty() && expr.function->timing);
    });
    return found;
}

Unit unit_of(Expr const& expr) {
    switch (expr.op) {
        case Op::number:
            return expr.unit;
        case Op::call:
            return expr.function != nullptr ? expr.function->unit : Unit::any;
        case Op::negate:
            return unit_of(expr.args[0]);
        case Op::add:
        case Op::subtract: {
            auto const left = unit_of(expr.args[0]);
            return left == Unit::any ? unit_of(expr.args[1]) : left;
        }
        case Op::multiply: {
            auto const left = unit_of(expr.args[0]);
            auto const right = unit_of(expr.args[1]);
            if (left == right) return left;
            if (left == Unit::plain || left == Unit::ratio) {
                // A share times a number may be either: 100 * failure_ratio is a plain percentage.
                return right == Unit::plain || right == Unit::ratio ? Unit::any : right;
            }
            return right == Unit::plain || right == Unit::ratio ? left : Unit::any;
        }
        case Op::divide: {
            auto const left = unit_of(expr.args[0]);
            auto const right = unit_of(expr.args[1]);
            if (right == Unit::plain) return left == Unit::plain ? Unit::any : left;
            return left == right && left != Unit::any ? Unit::ratio : Unit::any;
        }
        case Op::text:
        case Op::boolean:
        case Op::name:
        case Op::compare:
        case Op::not_:
        case Op::and_:
        case Op::or_:
            return Unit::plain;
    }
    return Unit::plain;
}

}  // namespace rollbackd

// The syntax tree of a condition, and the table of its functions. Private to condition_*.cpp.
#pragma once

#include "triggers/condition.hpp"

#include <span>

namespace rollbackd {

enum class Op {
    number,   // literal, with its unit
    text,     // "literal"
    boolean,  // true, false
    name,     // of a signal, service or playbook: only as an argument
    call,
    negate,
    add,
    subtract,
    multiply,
    divide,
    compare,
    not_,
    and_,
    or_,
};

enum class Comparison { less, less_equal, greater, greater_equal, equal, not_equal };
std::string_view symbol(Comparison comparison);

/// What a number measures. `any`: a gauge, whose unit we do not know.
enum class Unit { plain, ratio, seconds, days, bytes, any };
enum class Type { number, boolean, text };

enum class Fn {
    ok,
    failed,
    stale,
    consecutive_failures,
    failure_ratio,
    failures,
    count,
    rate,
    affected,
    value,
    min,
    max,
    avg,
    p50,
    p95,
    p99,
    delta,
    changed,
    absent,
    version,
    baseline,
    days_left,
    latency,
    burn_rate,
    quorum,
    baked,
    ready,
    mode,
    drill_due,
};

/// What a function takes in its parentheses.
enum class Shape { signal, signal_window, burn, quorum, service, playbook, playbook_window };

struct Function {
    std::string_view name;
    Fn fn;
    Shape shape;
    Type result;
    Unit unit;
    std::string_view kinds;  // signal kinds it reads: s(tate) o(utcomes) g(auge) t(ext)
    double low;              // its least value
    double high;             // its greatest
    bool whole;              // only whole numbers
    bool share;              // a ratio or quantile: min_count is 20 by default
    bool fills;              // judged once its window holds min_count samples
    bool timing;             // of a state signal it reads the latency
};

std::span<Function const> functions();
/// It asks what is known of a service or playbook, and reads no signal.
bool asks_fact(Expr const& call);
Function const* find_function(std::string_view name);

struct Expr {
    Op op = Op::number;
    std::size_t begin = 0;  // its text is [begin, end) of the condition
    std::size_t end = 0;
    double number = 0;                   // literal; a duration in seconds, a share of 1, bytes
    Unit unit = Unit::plain;             // of a literal
    Duration duration{};                 // of a literal in seconds, exactly
    std::string text;                    // text literal, name, or the function's name
    Function const* function = nullptr;  // of a call; nullptr: no such function
    Comparison comparison = Comparison::equal;
    std::vector<Expr> args;
};

/// The signal a call reads; empty where it reads none.
std::string_view signal_of(Expr const& call);
/// The window a call asks for; zero where it has none.
Duration window_of(Expr const& call);
/// How a call is written, whatever blanks it had: "failure_ratio(requests, 5m)".
std::string call_text(Expr const& call);
/// Whether baseline(s) of a state signal means latency: the condition measures it elsewhere.
bool measures_latency(Expr const& root, std::string_view signal);
/// `any` for what depends on the signal's kind.
Unit unit_of(Expr const& expr);

/// What a number can be, whatever the signals say. Constant: low == high.
struct Bounds {
    double low = 0;
    double high = 0;
    bool constant() const { return low == high; }
};
Bounds bounds_of(Expr const& expr);
bool holds(double left, Comparison comparison, double right);
/// False only where it is proved that no samples can make it true.
bool can_be_true(Expr const& root, SignalTable const& signals, CheckRules const& rules);
/// How many samples of a probe a window holds, asked at `pace`.
double samples_held(Duration window, Duration pace);
/// Windows over probes that cannot hold, or hold only at confirm_every, the samples they need.
std::vector<ConditionProblem> check_samples(
    Expr const& root, SignalTable const& signals, JudgeRules const& rules
);

/// As a message calls it: "a share (write 1%)".
std::string_view unit_text(Unit unit);
/// "; did you mean health?", or all the names there are.
std::string meant(std::string_view wrong, std::vector<std::string> const& names);

/// Calls `visit` for the expression and everything below it.
template <class Visit>
void walk(Expr const& expr, Visit const& visit) {
    visit(expr);
    for (auto const& arg : expr.args) walk(arg, visit);
}

}  // namespace rollbackd

// Answers the functions of a condition from the signals' windows. Private to condition_*.cpp.
#pragma once

#include "triggers/condition_expr.hpp"

namespace rollbackd {

/// A number, or why there is none; and how far it can be trusted.
struct Number {
    bool known = false;
    double value = 0;
    double lower = 0;           // with Wilson's lower bound for each ratio in it
    bool share = false;         // a ratio of counts is in it: `lower` means something
    std::uint64_t samples = 0;  // of the window with too few of them, where there is one
    std::uint64_t needed = 0;
    std::optional<Instant> begun;
    std::string note;  // "6 of 500", "by stripe"
    std::string gap;   // why it is not known

    bool thin() const { return samples < needed; }
};

/// A verdict and its story; `text` where the function gives a text.
struct Truth {
    Verdict verdict = Verdict::unknown;
    std::string why;
    std::optional<double> count;
    std::optional<double> threshold;
    std::optional<Instant> begun;
    std::optional<std::string> text;
};

class ConditionReader {
public:
    ConditionReader(Expr const& root, EvalContext const& context, bool explain)
        : root_(root), context_(context), explain_(explain) {}

    Number number(Expr const& call);
    /// `acting`: the answer that brings the whole condition nearer to true, guarded by min_count.
    Truth truth(Expr const& call, Verdict acting);
    Truth text(Expr const& call);

    std::uint64_t successes() const;
    Json proof() const;
    std::optional<Instant> changes_at(Verdict verdict) const;
    /// Of a call whose unit depends on its signal's kind.
    Unit unit(Expr const& call) const;

private:
    struct Read {
        std::string_view name;
        std::uint64_t successes = 0;
        JsonObject calls;
    };

    SignalWindow const* window(Expr const& call);
    Read& read(Expr const& call);
    bool exists(Instant at) const {
        return !context_.ignore_before || at > *context_.ignore_before;
    }
    Instant floor() const { return context_.ignore_before.value_or(Instant::min()); }
    Range range(Expr const& call, Duration length, bool widens);
    bool covered(SignalWindow const& signal, Duration length) const;
    std::uint64_t needed(bool share) const;
    void may_change(std::optional<Instant> at);
    void ages(Instant at);
    std::string usable(Expr const& call, SignalWindow const* signal);

    Number streak(Expr const& call, SignalWindow const& signal);
    Number ratio(Expr const& call, SignalWindow const& signal, Range range);
    Number counted(Expr const& call, SignalWindow const& signal);
    Number rate(Expr const& call, SignalWindow const& signal);
    Number affected(Expr const& call, SignalWindow const& signal);
    Number measured(Expr const& call, SignalWindow const& signal, Range range, Fn how);
    Number delta(Expr const& call, SignalWindow const& signal);
    Number newest(Expr const& call, SignalWindow const& signal);
    Number baseline(Expr const& call, SignalWindow const& signal);
    Number burn(Expr const& call, SignalWindow const& signal);
    Number answer(Expr const& call, SignalWindow const& signal);

    Truth good(Expr const& call, SignalWindow const& signal);
    Truth fact(Expr const& call);
    Truth drill_due(Expr const& call);
    Truth stale(Expr const& call, SignalWindow const* signal);
    Truth absent(Expr const& call, SignalWindow const* signal);
    Truth changed(Expr const& call, SignalWindow const& signal, Verdict acting);

    Number gap(std::string_view what) const;
    Number gap(Expr const& call, std::string_view what) const;
    Truth unsure(std::string why) const;
    void note(Expr const& call, JsonObject entry);
    void note_fact(Expr const& call, JsonObject entry);
    void note(Expr const& call, Number const& number, JsonObject entry);
    void saw(Expr const& call, std::uint64_t successes);

    Expr const& root_;
    EvalContext const& context_;
    bool explain_;
    std::vector<Read> reads_;
    JsonObject facts_;  // by call
    std::optional<Instant> changes_at_;
    std::optional<Instant> ages_at_;  // a sample leaves a window, or a failure its streak
};

/// Nanoseconds on the boot clock, or null.
Json time_json(std::optional<Instant> at);
/// "1.2 %", "2.5 s", "10 MB", "4": as people write it; more digits where asked.
std::string number_text(double value, Unit unit, int digits = 4);

}  // namespace rollbackd

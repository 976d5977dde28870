// Kleene's three values over comparisons: what a condition says now, and why.
#include "triggers/condition_read.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace rollbackd {

namespace {

Verdict verdict(bool value) { return value ? Verdict::true_ : Verdict::false_; }

Verdict inverse(Verdict value) {
    if (value == Verdict::unknown) return value;
    return verdict(value == Verdict::false_);
}

std::optional<Instant> later(std::optional<Instant> a, std::optional<Instant> b) {
    return a && b ? std::max(*a, *b) : a ? a : b;
}

std::optional<Instant> earlier(std::optional<Instant> a, std::optional<Instant> b) {
    return a && b ? std::min(*a, *b) : a ? a : b;
}

bool computed(Expr const& side) {
    bool const burn =
        side.op == Op::call && side.function != nullptr && side.function->fn == Fn::burn_rate;
    return burn || side.op == Op::add || side.op == Op::subtract || side.op == Op::multiply ||
           side.op == Op::divide;
}

// A result of arithmetic may be off in its last bits, and that begins no breach: 7 of 100, times
// 100, is not more than 7.
bool same(Expr const& expr, double left, double right) {
    if (!computed(expr.args[0]) && !computed(expr.args[1])) return left == right;
    auto const rounding = 8 * std::numeric_limits<double>::epsilon();
    return std::abs(left - right) <= rounding * std::max(std::abs(left), std::abs(right));
}

bool compares(Expr const& expr, double left, double right) {
    return holds(left, expr.comparison, same(expr, left, right) ? left : right);
}

class Evaluator {
public:
    Evaluator(Condition const& condition, EvalContext const& context, bool explain)
        : text_(condition.text()),
          context_(context),
          explain_(explain),
          reader_(condition.root(), context, explain) {}

    Evaluation run(Expr const& root) {
        auto truth = judge(root, Verdict::true_);
        Evaluation out;
        out.verdict = truth.verdict;
        out.why = std::move(truth.why);
        out.count = truth.count;
        out.threshold = truth.threshold;
        if (out.verdict == Verdict::true_) out.begun = truth.begun;
        out.successes = reader_.successes();
        out.changes_at = reader_.changes_at(out.verdict);
        if (explain_ && !context_.without_proof) out.proof = reader_.proof();
        return out;
    }

private:
    /// `acting`: the verdict of this part that brings the whole nearer to true. Only that one is
    /// guarded by min_count and confidence, so that `not` cannot smuggle one past them.
    Truth judge(Expr const& expr, Verdict acting) {
        switch (expr.op) {
            case Op::not_: {
                auto truth = judge(expr.args[0], inverse(acting));
                truth.verdict = inverse(truth.verdict);
                return truth;
            }
            case Op::and_:
                return both(expr, acting);
            case Op::or_:
                return either(expr, acting);
            case Op::compare:
                return compare(expr, acting);
            case Op::call:
                if (expr.function != nullptr && expr.function->fn == Fn::quorum) {
                    return quorum(expr, acting);
                }
                return reader_.truth(expr, acting);
            case Op::boolean: {
                Truth truth;
                truth.verdict = verdict(expr.number != 0);
                return truth;
            }
            case Op::number:
            case Op::text:
            case Op::name:
            case Op::negate:
            case Op::add:
            case Op::subtract:
            case Op::multiply:
            case Op::divide:
                break;
        }
        Truth truth;
        if (explain_) truth.why = "the condition is not true or false; check the configuration";
        return truth;
    }

    // Both sides are always read: the proof and the time of the next change need them.
    Truth both(Expr const& expr, Verdict acting) {
        auto left = judge(expr.args[0], acting);
        auto right = judge(expr.args[1], acting);
        for (auto const deciding : {Verdict::false_, Verdict::unknown}) {
            if (left.verdict == deciding) return left;
            if (right.verdict == deciding) return right;
        }
        auto const begun = later(left.begun, right.begun);
        return joined(std::move(left), right, begun);
    }

    Truth either(Expr const& expr, Verdict acting) {
        auto left = judge(expr.args[0], acting);
        auto right = judge(expr.args[1], acting);
        if (left.verdict == Verdict::true_ && right.verdict == Verdict::true_) {
            auto const begun = earlier(left.begun, right.begun);
            return joined(std::move(left), right, begun);
        }
        for (auto const deciding : {Verdict::true_, Verdict::unknown}) {
            if (left.verdict == deciding) return left;
            if (right.verdict == deciding) return right;
        }
        return joined(std::move(left), right, std::nullopt);
    }

    static Truth joined(Truth left, Truth const& right, std::optional<Instant> begun) {
        if (!right.why.empty()) left.why += (left.why.empty() ? "" : " and ") + right.why;
        if (!left.count) {
            left.count = right.count;
            left.threshold = right.threshold;
        }
        left.begun = begun;
        return left;
    }

    Truth quorum(Expr const& expr, Verdict acting) {
        if (expr.args.empty() || expr.args[0].op != Op::number) return {};
        std::uint64_t yes = 0;
        std::uint64_t open = 0;
        std::vector<Instant> begun;
        std::string list;
        for (std::size_t i = 1; i < expr.args.size(); ++i) {
            auto const part = judge(expr.args[i], acting);
            if (part.verdict == Verdict::true_) ++yes;
            if (part.verdict == Verdict::unknown) ++open;
            if (part.verdict == Verdict::true_ && part.begun) begun.push_back(*part.begun);
            if (explain_) list += (list.empty() ? "" : "; ") + part.why;
        }
        auto const needed = expr.args[0].number;
        Truth truth;
        truth.count = static_cast<double>(yes);
        truth.threshold = needed;
        truth.verdict = double(yes) >= needed          ? Verdict::true_
                        : double(yes + open) >= needed ? Verdict::unknown
                                                       : Verdict::false_;
        // The one that completed the quorum.
        std::sort(begun.begin(), begun.end());
        auto const completing = static_cast<std::size_t>(std::max(1.0, needed)) - 1;
        if (completing < begun.size()) truth.begun = begun[completing];
        if (explain_) {
            truth.why = std::to_string(yes) + " of " + std::to_string(expr.args.size() - 1) +
                        " are true, " + number_text(needed, Unit::plain) + " needed: " + list;
        }
        return truth;
    }

    Number number(Expr const& expr) {
        switch (expr.op) {
            case Op::number: {
                Number out;
                out.known = true;
                out.value = out.lower = expr.number;
                return out;
            }
            case Op::call:
                return reader_.number(expr);
            case Op::negate: {
                auto out = number(expr.args[0]);
                out.value = -out.value;
                out.lower = -out.lower;
                return out;
            }
            case Op::add:
            case Op::subtract:
            case Op::multiply:
            case Op::divide:
                return arithmetic(expr);
            case Op::text:
            case Op::boolean:
            case Op::name:
            case Op::compare:
            case Op::not_:
            case Op::and_:
            case Op::or_:
                break;
        }
        return {};
    }

    Number arithmetic(Expr const& expr) {
        auto left = number(expr.args[0]);
        auto right = number(expr.args[1]);
        if (!left.known) return left;
        if (!right.known) return right;
        if (expr.op == Op::divide && right.value == 0) {
            left.known = false;
            if (explain_) left.gap = slice(expr.args[1]) + " is 0, nothing is divided by it";
            return left;
        }
        auto const apply = [op = expr.op](double a, double b) {
            if (op == Op::add) return a + b;
            if (op == Op::subtract) return a - b;
            if (op == Op::multiply) return a * b;
            return b == 0 ? 0 : a / b;
        };
        left.value = apply(left.value, right.value);
        left.lower = apply(left.lower, right.lower);
        left.share = left.share || right.share;
        if (!left.thin()) {
            left.samples = right.samples;
            left.needed = right.needed;
        }
        left.begun = later(left.begun, right.begun);
        if (left.note.empty()) left.note = right.note;
        return left;
    }

    Truth compare(Expr const& expr, Verdict acting) {
        auto const textual = [](Expr const& side) {
            return side.op == Op::text || (side.op == Op::call && side.function != nullptr &&
                                           side.function->result == Type::text);
        };
        if (textual(expr.args[0]) || textual(expr.args[1])) return compare_texts(expr);
        auto const left = number(expr.args[0]);
        auto const right = number(expr.args[1]);
        Truth truth;
        if (!left.known || !right.known) {
            if (explain_) truth.why = left.known ? right.gap : left.gap;
            return truth;
        }
        truth.count = left.value;
        truth.threshold = right.value;
        truth.begun = later(left.begun, right.begun);
        bool const raw = compares(expr, left.value, right.value);
        truth.verdict = verdict(raw);
        if (explain_) truth.why = arithmetic_text(expr, left, right, raw);
        if (truth.verdict != acting || context_.widen) return truth;
        auto const& thin = left.thin() ? left : right;
        if (thin.thin()) {
            truth.verdict = Verdict::unknown;
            if (explain_) {
                truth.why = std::to_string(thin.samples) + " of " + std::to_string(thin.needed) +
                            " samples: " + truth.why;
            }
        } else if (context_.rules.confidence && (left.share || right.share) &&
                   compares(expr, left.lower, right.lower) != raw) {
            truth.verdict = Verdict::unknown;
            if (explain_) truth.why += ", " + doubt_text(left.share ? left : right);
        }
        return truth;
    }

    std::string doubt_text(Number const& number) const {
        return "but at " + number_text(*context_.rules.confidence, Unit::ratio) +
               " confidence it may be as low as " + number_text(number.lower, Unit::ratio);
    }

    Truth compare_texts(Expr const& expr) {
        auto const left = text(expr.args[0]);
        auto const right = text(expr.args[1]);
        Truth truth;
        if (!left.text || !right.text) {
            if (explain_) truth.why = left.text ? right.why : left.why;
            return truth;
        }
        bool const equal = *left.text == *right.text;
        truth.verdict = verdict(equal == (expr.comparison == Comparison::equal));
        truth.begun = later(left.begun, right.begun);
        if (explain_) {
            bool const swapped = expr.args[0].op == Op::text;
            auto const& read = swapped ? expr.args[1] : expr.args[0];
            auto const& literal = swapped ? expr.args[0] : expr.args[1];
            truth.why = call_text(read) + " = \"" + (swapped ? *right.text : *left.text) + "\", " +
                        (equal ? "equal to " : "not ") + slice(literal);
        }
        return truth;
    }

    Truth text(Expr const& expr) {
        if (expr.op == Op::call) return reader_.text(expr);
        Truth truth;
        if (expr.op == Op::text) truth.text = expr.text;
        return truth;
    }

    std::string slice(Expr const& expr) const {
        return expr.op == Op::call ? call_text(expr)
                                   : text_.substr(expr.begin, expr.end - expr.begin);
    }

    Unit unit(Expr const& expr) const {
        return expr.op == Op::call ? reader_.unit(expr) : unit_of(expr);
    }

    // "consecutive_failures(webhooks) = 4 > 3 (by stripe)"; of a false one "= 3, not > 3".
    std::string arithmetic_text(Expr const& expr, Number const& left, Number const& right, bool raw)
        const {
        auto shown = unit(expr.args[0]);
        if (shown == Unit::any || shown == Unit::plain) {
            auto const other = unit(expr.args[1]);
            if (other != Unit::any) shown = other;
        }
        int digits = 4;
        auto const shown_left = [&] { return number_text(left.value, shown, digits); };
        auto const shown_right = [&] {
            auto const& side = expr.args[1];
            if (side.op == Op::number && side.unit != Unit::ratio) return side.text;
            return number_text(right.value, shown, digits);
        };
        // Rounding must not make the arithmetic look wrong: 1.00045 % > 1 %, not 1 % > 1 %.
        bool const differ = !same(expr, left.value, right.value);
        while (digits < 15 && differ && shown_left() == shown_right()) digits += 4;
        std::string out;
        if (expr.args[0].op != Op::number) out += slice(expr.args[0]) + " = ";
        out += shown_left() + (raw ? " " : ", not ") + std::string(symbol(expr.comparison)) + " " +
               shown_right();
        auto const& side = expr.args[1];
        if (side.op != Op::number) out += " = " + slice(side);
        auto const& note = left.note.empty() ? right.note : left.note;
        if (!note.empty()) out += " (" + note + ")";
        return out;
    }

    std::string const& text_;
    EvalContext const& context_;
    bool explain_;
    ConditionReader reader_;
};

}  // namespace

Evaluation evaluate(Condition const& condition, EvalContext const& context, bool with_proof) {
    if (condition.empty()) {
        Evaluation out;
        if (with_proof) out.why = "there is no condition";
        return out;
    }
    return Evaluator(condition, context, with_proof).run(condition.root());
}

}  // namespace rollbackd

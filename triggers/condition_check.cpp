// What is wrong with a condition that parses: names, kinds, windows, types, units, and conditions
// that can never be true. Reports everything at once.
#include "core/names.hpp"
#include "triggers/condition_expr.hpp"

#include <algorithm>
#include <cmath>

namespace rollbackd {

namespace {

constexpr std::chrono::hours window_max{24 * 31};
constexpr std::chrono::hours drill_window_max{24 * 365 * 2};  // no samples are kept for it

char kind_letter(SignalKind kind) { return to_string(kind).front(); }

std::string kinds_text(std::string_view letters) {
    std::string out;
    for (std::size_t i = 0; i < letters.size(); ++i) {
        if (i > 0) out += i + 1 == letters.size() ? " or " : ", ";
        for (auto const& name : enum_names<SignalKind>()) {
            if (name.front() == letters[i]) out += name;
        }
    }
    return out;
}

class Checker {
public:
    Checker(Expr const& root, SignalTable const& signals, CheckRules const& rules)
        : root_(root), signals_(signals), rules_(rules) {}

    std::vector<ConditionProblem> run() {
        boolean(root_, "a condition");
        if (problems_.empty() && !reads_anything()) {
            say(root_, "this reads no signal, so it can never change");
        }
        if (problems_.empty() && !can_be_true(root_, signals_, rules_)) {
            say(root_, "this can never be true" + hint());
        }
        if (problems_.empty()) problems_ = check_samples(root_, signals_, rules_.judge);
        std::stable_sort(problems_.begin(), problems_.end(), [](auto& a, auto& b) {
            return a.offset < b.offset;
        });
        return std::move(problems_);
    }

private:
    void say(Expr const& where, std::string what) {
        problems_.push_back({where.begin, std::move(what)});
    }

    bool reads_anything() const {
        bool found = false;
        walk(root_, [&](Expr const& expr) {
            found = found || asks_fact(expr) || !signal_of(expr).empty();
        });
        return found;
    }

    std::string hint() const {
        std::string out;
        walk(root_, [&](Expr const& expr) {
            if (expr.op != Op::compare || !out.empty()) return;
            for (auto const& side : expr.args) {
                auto const& other = &side == &expr.args[0] ? expr.args[1] : expr.args[0];
                if (unit_of(side) == Unit::ratio && side.op == Op::call && other.op == Op::number &&
                    other.number >= 1) {
                    out = ": " + call_text(side) + " is between 0 and 1; 1 % is written 1%";
                } else if (side.op == Op::call && side.function->fn == Fn::count) {
                    out = count_hint(side);
                }
            }
        });
        return out;
    }

    std::string count_hint(Expr const& count) const {
        auto const traits = signals_.find(signal_of(count));
        if (traits == signals_.end() || !traits->second.fastest) {
            return ": the count of an empty window is unknown, never 0; that nothing came is "
                   "written absent" +
                   call_text(count).substr(std::string_view("count").size());
        }
        return ": " + traits->first + " is asked at most every " +
               format_duration(*traits->second.fastest);
    }

    void boolean(Expr const& expr, std::string const& place) {
        auto const type = type_of(expr);
        if (!type || *type == Type::boolean) return;
        say(expr, place + " must be true or false, this is " +
                      (*type == Type::text ? "a text" : "a number") +
                      (expr.op == Op::call ? "; compare it: " + call_text(expr) +
                                                 (*type == Type::text ? " == \"…\"" : " > 3")
                                           : "; compare it with something"));
    }

    bool number(Expr const& expr) {
        auto const type = type_of(expr);
        if (type && *type != Type::number) say(expr, "a number is needed here");
        return type == Type::number;
    }

    /// None: a problem has been reported, the type does not matter any more.
    std::optional<Type> type_of(Expr const& expr) {
        switch (expr.op) {
            case Op::number:
                return Type::number;
            case Op::text:
                return Type::text;
            case Op::boolean:
                return Type::boolean;
            case Op::name:
                lone_name(expr);
                return std::nullopt;
            case Op::call:
                return call(expr);
            case Op::negate:
                if (!number(expr.args[0])) return std::nullopt;
                return Type::number;
            case Op::add:
            case Op::subtract: {
                bool const left = number(expr.args[0]);
                bool const right = number(expr.args[1]);
                if (!left || !right) return std::nullopt;
                alike(expr);
                return Type::number;
            }
            case Op::multiply:
            case Op::divide: {
                bool const left = number(expr.args[0]);
                bool const right = number(expr.args[1]);
                if (!left || !right) return std::nullopt;
                if (expr.op == Op::divide && expr.args[1].op == Op::number &&
                    expr.args[1].number == 0) {
                    say(expr.args[1], "division by zero");
                }
                return Type::number;
            }
            case Op::compare:
                compare(expr);
                return Type::boolean;
            case Op::not_:
                boolean(expr.args[0], "what not takes");
                return Type::boolean;
            case Op::and_:
            case Op::or_:
                for (auto const& arg : expr.args) {
                    boolean(arg, expr.op == Op::and_ ? "each side of and" : "each side of or");
                }
                return Type::boolean;
        }
        return std::nullopt;
    }

    void lone_name(Expr const& expr) {
        if (signals_.contains(expr.text)) {
            say(expr, expr.text + " is a signal; ask something about it, for example ok(" +
                          expr.text + ")");
        } else if (find_function(expr.text) != nullptr) {
            say(expr, expr.text + " is a function; write what it reads: " + expr.text + "(…)");
        } else {
            say(expr, "\"" + printable(expr.text, 64) +
                          "\" means nothing here; a text is written in double quotes");
        }
    }

    void compare(Expr const& expr) {
        auto const left = type_of(expr.args[0]);
        auto const right = type_of(expr.args[1]);
        if (!left || !right) return;
        if (*left != *right) {
            say(expr, "only like things can be compared, not " + std::string(type_text(*left)) +
                          " with " + std::string(type_text(*right)));
        } else if (*left == Type::boolean) {
            say(expr, "this is true or false already: leave the comparison out, or write not");
        } else if (*left == Type::text) {
            if (expr.comparison != Comparison::equal && expr.comparison != Comparison::not_equal) {
                say(expr, "texts can only be compared with == and !=");
            }
        } else {
            alike(expr);
        }
    }

    static std::string_view type_text(Type type) {
        switch (type) {
            case Type::number:
                return "a number";
            case Type::boolean:
                return "true or false";
            case Type::text:
                return "a text";
        }
        return "?";
    }

    Unit unit(Expr const& expr) const {
        if (expr.op == Op::call && unit_of(expr) == Unit::any) {
            auto const traits = signals_.find(signal_of(expr));
            if (traits == signals_.end()) return Unit::any;
            if (expr.function->fn == Fn::baseline) {
                if (traits->second.kind == SignalKind::gauge) return Unit::any;
                bool const latency = traits->second.kind == SignalKind::state &&
                                     measures_latency(root_, traits->first);
                return latency ? Unit::seconds : Unit::ratio;
            }
            return traits->second.kind == SignalKind::state ? Unit::seconds : Unit::any;
        }
        return unit_of(expr);
    }

    // Both sides of a comparison, a sum or a difference measure the same thing.
    void alike(Expr const& expr) {
        auto const left = unit(expr.args[0]);
        auto const right = unit(expr.args[1]);
        if (left == right || left == Unit::any || right == Unit::any) return;
        auto const literal = [](Expr const& side, Unit is) {
            return is == Unit::plain && bounds_of(side).constant();
        };
        // 0.01 for a share and 30 for days are plain enough; "2" for a time is not.
        for (auto const friendly : {Unit::ratio, Unit::days}) {
            if (left == friendly && literal(expr.args[1], right)) return;
            if (right == friendly && literal(expr.args[0], left)) return;
        }
        say(expr, "the left side is " + std::string(unit_text(left)) + ", the right side " +
                      std::string(unit_text(right)));
    }

    std::optional<Type> call(Expr const& expr) {
        if (expr.function == nullptr) {
            std::vector<std::string> names;
            for (auto const& function : functions()) names.emplace_back(function.name);
            say(expr, "there is no function " + printable(expr.text, 64) + meant(expr.text, names));
            return std::nullopt;
        }
        auto const before = problems_.size();
        auto const& function = *expr.function;
        switch (function.shape) {
            case Shape::signal:
                if (arity(expr, 1, "(signal)")) signal(expr);
                break;
            case Shape::signal_window:
                if (arity(expr, 2, "(signal, 5m)")) {
                    signal(expr);
                    window(expr.args[1]);
                }
                break;
            case Shape::burn:
                if (arity(expr, 4, "(signal, 99.9%, 1h, 5m)")) burn(expr);
                break;
            case Shape::quorum:
                quorum(expr);
                break;
            case Shape::service:
            case Shape::playbook:
                named(expr, function.shape == Shape::service ? "service" : "playbook");
                break;
            case Shape::playbook_window:
                if (arity(expr, 2, "(playbook, 90d)")) {
                    name_of_a(expr, "playbook");
                    window(expr.args[1], drill_window_max, "two years");
                }
                break;
        }
        if (problems_.size() > before) return std::nullopt;
        return function.result;
    }

    void named(Expr const& expr, std::string const& what) {
        if (arity(expr, 1, "(" + what + ")")) name_of_a(expr, what);
    }

    void name_of_a(Expr const& expr, std::string const& what) {
        if (expr.args[0].op == Op::name) return;
        say(expr.args[0], "the name of a " + what + " is needed here");
    }

    bool arity(Expr const& expr, std::size_t count, std::string_view form) {
        if (expr.args.size() == count) return true;
        bool const windowless =
            expr.function->shape == Shape::signal_window && expr.args.size() == 1;
        say(expr, std::string(expr.function->name) +
                      (windowless ? " needs a window: " : " is written ") +
                      std::string(expr.function->name) +
                      (windowless && expr.args[0].op == Op::name ? "(" + expr.args[0].text + ", 5m)"
                                                                 : std::string(form)));
        return false;
    }

    void signal(Expr const& expr) {
        auto const& arg = expr.args[0];
        if (arg.op != Op::name) {
            say(arg, "the name of a signal is needed here");
            return;
        }
        auto const found = signals_.find(arg.text);
        if (found == signals_.end()) {
            std::vector<std::string> names;
            for (auto const& [name, traits] : signals_) names.push_back(name);
            say(arg, "there is no signal " + arg.text + meant(arg.text, names));
            return;
        }
        auto const& function = *expr.function;
        auto const& traits = found->second;
        // A certificate is a number of days, and it verifies or not.
        bool const verifies =
            traits.type == "tls" && (function.fn == Fn::ok || function.fn == Fn::failed ||
                                     function.fn == Fn::consecutive_failures);
        if (!verifies && function.kinds.find(kind_letter(traits.kind)) == std::string_view::npos) {
            say(arg, std::string(function.name) + "() reads a signal of kind " +
                         kinds_text(function.kinds) + "; " + arg.text + " is of kind " +
                         to_string(traits.kind));
        } else if (function.fn == Fn::days_left && !traits.type.empty() && traits.type != "tls") {
            say(arg, "days_left() reads a tls signal; " + arg.text + " is " + traits.type +
                         ", read it with value()");
        } else if (function.fn == Fn::affected && !traits.tells_clients) {
            say(arg, arg.text +
                         " does not tell clients or endpoints apart, so this is never known" +
                         (traits.type == "scrape" || traits.type == "http_json"
                              ? "; say with affected which they are"
                              : ""));
        } else if (function.fn == Fn::stale && !traits.stale_after && !traits.every) {
            say(arg, arg.text + " is never stale: give it stale_after, or ask absent(" + arg.text +
                         ", 1h)");
        }
    }

    bool window(
        Expr const& arg, Duration longest = window_max, std::string const& said = "31 days"
    ) {
        if (arg.op != Op::number || arg.unit != Unit::seconds) {
            say(arg, "a window is needed here, written like 5m or 1h");
            return false;
        }
        if (arg.duration <= Duration::zero()) {
            say(arg, "a window is longer than 0");
            return false;
        }
        if (arg.duration > longest) {
            say(arg, "a window is at most " + said + " long");
            return false;
        }
        return true;
    }

    void burn(Expr const& expr) {
        signal(expr);
        auto const& slo = expr.args[1];
        if (slo.op != Op::number || slo.unit == Unit::seconds || !(slo.number > 0) ||
            !(slo.number < 1)) {
            say(slo, "the objective is a share below 100 %, written like 99.9%");
        }
        bool const long_window = window(expr.args[2]);
        bool const short_window = window(expr.args[3]);
        if (long_window && short_window && expr.args[2].duration <= expr.args[3].duration) {
            say(expr.args[3], "the long window comes first: burn_rate(signal, 99.9%, 1h, 5m)");
        }
    }

    void quorum(Expr const& expr) {
        if (expr.args.size() < 3) {
            say(expr, "quorum is written quorum(2, condition, condition, …)");
            return;
        }
        auto const& needed = expr.args[0];
        auto const voters = expr.args.size() - 1;
        if (needed.op != Op::number || needed.unit != Unit::plain || needed.number < 1 ||
            std::floor(needed.number) != needed.number) {
            say(needed, "quorum needs a whole number of at least 1 first");
        } else if (needed.number > static_cast<double>(voters)) {
            say(needed,
                "this can never be true: there are only " + std::to_string(voters) + " conditions");
        }
        for (std::size_t i = 1; i <= voters; ++i) boolean(expr.args[i], "each condition of quorum");
    }

    Expr const& root_;
    SignalTable const& signals_;
    CheckRules const& rules_;
    std::vector<ConditionProblem> problems_;
};

}  // namespace

std::vector<ConditionProblem> check(
    Condition const& condition, SignalTable const& signals, CheckRules const& rules
) {
    if (condition.empty()) return {{0, "the condition is missing"}};
    return Checker(condition.root(), signals, rules).run();
}

}  // namespace rollbackd

// From text to tree: a recursive descent parser. It knows the grammar only; what functions mean and
// whether names exist is condition_check.cpp's matter.
#include "triggers/condition_expr.hpp"

#include <charconv>

namespace rollbackd {

namespace {

constexpr std::size_t text_bytes_max = 4096;
constexpr std::size_t depth_max = 64;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

struct SizeUnit {
    std::string_view name;
    double bytes;
};
constexpr SizeUnit size_units[] = {
    {"B", 1},     {"KB", 1e3},   {"kB", 1e3},      {"MB", 1e6},         {"GB", 1e9},
    {"TB", 1e12}, {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824}, {"TiB", 1099511627776},
};

class Parser {
public:
    explicit Parser(std::string_view text) : text_(text) {}

    Expr parse() {
        if (text_.size() > text_bytes_max) {
            stop(text_bytes_max, "a condition is at most 4096 bytes long");
        }
        auto expr = either();
        skip_blanks();
        if (at_ < text_.size()) stop(at_, "expected the end, an operator, and or or");
        return expr;
    }

private:
    // The first mistake ends the parse; Condition::parse catches it. It never leaves this file.
    [[noreturn]] static void stop(std::size_t offset, std::string what) {
        throw ConditionProblem{offset, std::move(what)};
    }

    void skip_blanks() {
        while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
    }

    bool take(std::string_view symbol) {
        skip_blanks();
        if (!text_.substr(at_).starts_with(symbol)) return false;
        at_ += symbol.size();
        return true;
    }

    std::string_view peek_word() {
        skip_blanks();
        auto end = at_;
        if (end < text_.size() && is_letter(text_[end])) {
            while (end < text_.size() && (is_letter(text_[end]) || is_digit(text_[end]) ||
                                          text_[end] == '_' || text_[end] == '-')) {
                ++end;
            }
        }
        return text_.substr(at_, end - at_);
    }

    bool take_word(std::string_view word) {
        if (peek_word() != word) return false;
        at_ += word.size();
        return true;
    }

    Expr node(Op op, std::vector<Expr> args) {
        Expr out;
        out.op = op;
        out.begin = args.front().begin;
        out.end = args.back().end;
        out.args = std::move(args);
        return out;
    }

    // Days are compared with durations in days: days_left(cert) < 30d.
    static void use_days(Expr& expr) {
        if (expr.op == Op::call) return;
        if (expr.op == Op::number && expr.unit == Unit::seconds) {
            expr.number = std::chrono::duration<double, std::ratio<86400>>(expr.duration).count();
            expr.unit = Unit::days;
        }
        for (auto& arg : expr.args) use_days(arg);
    }

    Expr pair(Op op, Expr left, Expr right) {
        if (op == Op::compare || op == Op::add || op == Op::subtract) {
            if (unit_of(left) == Unit::days && unit_of(right) == Unit::seconds) use_days(right);
            if (unit_of(right) == Unit::days && unit_of(left) == Unit::seconds) use_days(left);
        }
        std::vector<Expr> args;
        args.push_back(std::move(left));
        args.push_back(std::move(right));
        return node(op, std::move(args));
    }

    Expr either() {
        auto left = both();
        while (take_or()) left = pair(Op::or_, std::move(left), both());
        return left;
    }

    bool take_or() {
        skip_blanks();
        if (text_.substr(at_).starts_with("||")) stop(at_, "|| is written or");
        return take_word("or");
    }

    Expr both() {
        auto left = inverse();
        while (take_and()) left = pair(Op::and_, std::move(left), inverse());
        return left;
    }

    bool take_and() {
        skip_blanks();
        if (text_.substr(at_).starts_with("&&")) stop(at_, "&& is written and");
        return take_word("and");
    }

    Expr inverse() {
        skip_blanks();
        auto const begin = at_;
        if (text_.substr(at_).starts_with("!")) stop(at_, "! is written not");
        if (!take_word("not")) return comparison();
        Depth const depth(*this);
        std::vector<Expr> args;
        args.push_back(inverse());
        auto out = node(Op::not_, std::move(args));
        out.begin = begin;
        return out;
    }

    std::optional<Comparison> take_comparison() {
        if (take("<=")) return Comparison::less_equal;
        if (take(">=")) return Comparison::greater_equal;
        if (take("==")) return Comparison::equal;
        if (take("!=")) return Comparison::not_equal;
        if (take("<")) return Comparison::less;
        if (take(">")) return Comparison::greater;
        if (take("=")) stop(at_ - 1, "= is written ==");
        return std::nullopt;
    }

    Expr comparison() {
        auto left = sum();
        auto const found = take_comparison();
        if (!found) return left;
        auto out = pair(Op::compare, std::move(left), sum());
        out.comparison = *found;
        skip_blanks();
        auto const again = at_;
        if (take_comparison()) stop(again, "comparisons cannot be chained; write: a < b and b < c");
        return out;
    }

    Expr sum() {
        auto left = product();
        for (;;) {
            if (take("+")) {
                left = pair(Op::add, std::move(left), product());
            } else if (take("-")) {
                left = pair(Op::subtract, std::move(left), product());
            } else {
                return left;
            }
        }
    }

    Expr product() {
        auto left = sign();
        for (;;) {
            if (take("*")) {
                left = pair(Op::multiply, std::move(left), sign());
            } else if (take("/")) {
                left = pair(Op::divide, std::move(left), sign());
            } else {
                return left;
            }
        }
    }

    Expr sign() {
        skip_blanks();
        auto const begin = at_;
        if (!take("-")) return primary();
        Depth const depth(*this);
        std::vector<Expr> args;
        args.push_back(sign());
        auto out = node(Op::negate, std::move(args));
        out.begin = begin;
        return out;
    }

    Expr primary() {
        skip_blanks();
        auto const begin = at_;
        if (at_ == text_.size()) {
            stop(
                at_, text_.find_first_not_of(" \t\r\n") == text_.npos
                         ? "a condition is empty; write one like consecutive_failures(health) >= 3"
                         : "the condition ends too early: a value is missing here"
            );
        }
        if (take("(")) {
            Depth const depth(*this);
            auto inner = either();
            if (!take(")")) stop(at_, "expected ) for the ( at byte " + std::to_string(begin));
            inner.begin = begin;
            inner.end = at_;
            return inner;
        }
        if (text_[at_] == '"') return quoted();
        if (text_[at_] == '\'') stop(at_, "a text is written in double quotes: \"…\"");
        if (is_digit(text_[at_])) return number();
        auto const word = peek_word();
        if (word.empty()) {
            stop(at_, "expected a function, a number, a \"text\" or (");
        }
        if (word == "and" || word == "or" || word == "not") {
            stop(at_, "a value is missing before " + std::string(word));
        }
        at_ += word.size();
        if (take("(")) return call(begin, word);
        Expr out;
        out.begin = begin;
        out.end = begin + word.size();
        out.text = word;
        out.op = word == "true" || word == "false" ? Op::boolean : Op::name;
        out.number = word == "true" ? 1 : 0;
        return out;
    }

    Expr call(std::size_t begin, std::string_view name) {
        Depth const depth(*this);
        Expr out;
        out.op = Op::call;
        out.begin = begin;
        out.text = name;
        out.function = find_function(name);
        if (!take(")")) {
            do {
                out.args.push_back(either());
            } while (take(","));
            if (!take(")")) stop(at_, "expected , or ) in " + std::string(name) + "(…");
        }
        out.end = at_;
        return out;
    }

    Expr quoted() {
        Expr out;
        out.op = Op::text;
        out.begin = at_;
        auto const end = text_.find('"', at_ + 1);
        if (end == text_.npos) stop(at_, "this text has no closing \"");
        out.text = text_.substr(at_ + 1, end - at_ - 1);
        at_ = end + 1;
        out.end = at_;
        return out;
    }

    Expr number() {
        Expr out;
        out.op = Op::number;
        out.begin = at_;
        auto end = at_;
        while (end < text_.size() &&
               (is_digit(text_[end]) || is_letter(text_[end]) || text_[end] == '.')) {
            ++end;
        }
        auto const word = text_.substr(at_, end - at_);
        auto digits = std::size_t{0};
        while (digits < word.size() && (is_digit(word[digits]) || word[digits] == '.')) ++digits;
        auto const figure = word.substr(0, digits);
        at_ = end;
        if (digits == word.size()) {
            auto const blank = at_;
            bool const percent = take("%");
            if (!percent) at_ = blank;
            // "0.3%" is read as 0.3e-2, so that it equals 3/1000 to the last bit.
            out.number = read(out.begin, std::string(figure) + (percent ? "e-2" : ""));
            out.unit = percent ? Unit::ratio : Unit::plain;
        } else if (auto const* const size = find_size(word.substr(digits))) {
            out.number = read(out.begin, std::string(figure)) * size->bytes;
            out.unit = Unit::bytes;
        } else if (auto const duration = parse_duration(word)) {
            out.duration = *duration;
            out.number = std::chrono::duration<double>(*duration).count();
            out.unit = Unit::seconds;
        } else {
            stop(
                out.begin, "\"" + std::string(word.substr(0, 32)) +
                               "\" is no number, duration (5m, 1h30m) or size (10MB, 4GiB)"
            );
        }
        out.end = at_;
        out.text = text_.substr(out.begin, out.end - out.begin);
        return out;
    }

    static SizeUnit const* find_size(std::string_view name) {
        for (auto const& unit : size_units) {
            if (unit.name == name) return &unit;
        }
        return nullptr;
    }

    static double read(std::size_t offset, std::string const& text) {
        double value = 0;
        auto const* const end = text.data() + text.size();
        auto const [stopped, code] = std::from_chars(text.data(), end, value);
        if (code != std::errc{} || stopped != end) {
            stop(offset, "this is no number; write one like 3, 0.5 or 1%");
        }
        return value;
    }

    // Parentheses, signs and nots nest no deeper than the stack allows.
    struct Depth {
        explicit Depth(Parser& parser_) : parser(parser_) {
            if (++parser.depth_ > depth_max) stop(parser.at_, "nested too deeply");
        }
        ~Depth() { --parser.depth_; }
        Depth(Depth const&) = delete;
        Depth& operator=(Depth const&) = delete;
        Parser& parser;
    };

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t depth_ = 0;
};

}  // namespace

tl::expected<Condition, ConditionProblem> Condition::parse(std::string_view text) {
    try {
        Condition out;
        out.root_ = std::make_shared<Expr const>(Parser(text).parse());
        out.text_ = text;
        return out;
    } catch (ConditionProblem& problem) {
        return tl::unexpected(std::move(problem));
    }
}

}  // namespace rollbackd

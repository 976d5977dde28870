#include "cli/importing/phrases.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace rollbackd::cli {

namespace {

constexpr double seconds_max = 366.0 * 86400;  // of a policy's longest deadline
constexpr std::size_t tokens_max = 400;

struct Unit {
    std::string_view name;
    std::string_view written;
    double seconds;
};

constexpr std::array<Unit, 20> units{{
    {"ms", "ms", 0.001}, {"s", "s", 1},       {"sec", "s", 1},      {"secs", "s", 1},
    {"second", "s", 1},  {"seconds", "s", 1}, {"m", "m", 60},       {"min", "m", 60},
    {"mins", "m", 60},   {"minute", "m", 60}, {"minutes", "m", 60}, {"h", "h", 3600},
    {"hr", "h", 3600},   {"hrs", "h", 3600},  {"hour", "h", 3600},  {"hours", "h", 3600},
    {"d", "d", 86400},   {"day", "d", 86400}, {"days", "d", 86400}, {"week", "w", 604800},
}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_letter(char c) { return c >= 'a' && c <= 'z'; }

Unit const* unit_named(std::string_view name) {
    if (name == "weeks") name = "week";
    auto const* const found = std::find_if(units.begin(), units.end(), [&](Unit const& unit) {
        return unit.name == name;
    });
    return found == units.end() ? nullptr : found;
}

bool is_number(Tokens const& tokens, std::size_t at) {
    return at < tokens.size() && tokens[at].number;
}

/// How many bytes of a number like 80 or 1.5 stand here.
std::size_t number_length(std::string_view text) {
    std::size_t length = 0;
    while (length < text.size() && is_digit(text[length])) ++length;
    bool const fraction =
        length > 0 && length + 1 < text.size() && text[length] == '.' && is_digit(text[length + 1]);
    if (!fraction) return length;
    ++length;
    while (length < text.size() && is_digit(text[length])) ++length;
    return length;
}

/// Where a time that is a limit begins: "within", "<", "in the first"; npos: it is none.
std::size_t after_limit_word(Tokens const& tokens, std::size_t at) {
    constexpr std::array<std::string_view, 6> words{"within", "in", "inside", "<", "under", "max"};
    auto const& word = tokens[at].text;
    if (std::find(words.begin(), words.end(), word) == words.end()) return std::string::npos;
    auto next = at + 1;
    for (auto const* const filler : {"the", "first", "next", "at", "most", "=", "max"}) {
        if (says(tokens, next, {filler})) ++next;
    }
    return next;
}

}  // namespace

Tokens tokens_of(std::string_view given) {
    std::string text;
    for (std::size_t i = 0; i < given.size(); ++i) {
        auto const three = given.substr(i, 3);
        bool const sign = three == "\xe2\x89\xa5" || three == "\xe2\x89\xa4";
        bool const dash = three == "\xe2\x80\x93" || three == "\xe2\x80\x94";
        if (sign) text += three == "\xe2\x89\xa5" ? ">=" : "<=";
        if (dash) text += "-";
        if (sign || dash) {
            i += 2;
            continue;
        }
        char const c = given[i];
        text.push_back(c >= 'A' && c <= 'Z' ? char(c + 32) : c);
    }
    Tokens tokens;
    std::string_view rest = text;
    while (!rest.empty() && tokens.size() < tokens_max) {
        auto length = number_length(rest);
        bool const code = rest.size() >= 3 && is_digit(rest[0]) && rest.substr(1, 2) == "xx";
        if (code) {
            tokens.push_back({std::string(rest.substr(0, 3)), false});
            length = 3;
        } else if (length > 0) {
            tokens.push_back({std::string(rest.substr(0, length)), true});
        } else if (is_letter(rest[0])) {
            while (length < rest.size() && (is_letter(rest[length]) || rest[length] == '\''))
                ++length;
            // "p95" and "http2" are words.
            while (length < rest.size() && is_digit(rest[length])) ++length;
            tokens.push_back({std::string(rest.substr(0, length)), false});
        } else {
            bool const pair = rest.substr(0, 2) == ">=" || rest.substr(0, 2) == "<=";
            length = pair ? 2 : 1;
            bool const sign = std::string_view("<>=%-()").find(rest[0]) != std::string_view::npos;
            if (sign) tokens.push_back({std::string(rest.substr(0, length)), false});
        }
        rest.remove_prefix(length);
    }
    return tokens;
}

bool says(Tokens const& tokens, std::size_t at, std::initializer_list<std::string_view> words) {
    for (auto const word : words) {
        if (at >= tokens.size() || tokens[at].text != word) return false;
        ++at;
    }
    return true;
}

std::optional<Span> span_at(Tokens const& tokens, std::size_t at) {
    if (!is_number(tokens, at)) return std::nullopt;
    bool const range = says(tokens, at + 1, {"-"}) || says(tokens, at + 1, {"to"});
    if (range && is_number(tokens, at + 2)) at += 2;
    if (says(tokens, at + 1, {"-"})) return std::nullopt;
    if (at + 1 >= tokens.size()) return std::nullopt;
    auto const* const unit = unit_named(tokens[at + 1].text);
    if (unit == nullptr) return std::nullopt;
    auto const& number = tokens[at].text;
    double value = 0;
    std::from_chars(number.data(), number.data() + number.size(), value);
    Span span;
    span.text = number + std::string(unit->written);
    span.end = at + 2;
    span.seconds = value * unit->seconds;
    return span;
}

std::string comparison_before(Tokens const& tokens, std::size_t at, std::string_view otherwise) {
    auto const before = [&](std::initializer_list<std::string_view> words) {
        return at >= words.size() && says(tokens, at - words.size(), words);
    };
    if (before({">="}) || before({"at", "least"}) || before({"reaches"})) return ">=";
    if (before({"<="}) || before({"at", "most"})) return "<=";
    if (before({">"}) || before({"over"}) || before({"above"}) || before({"exceeds"})) return ">";
    if (before({"more", "than"}) || before({"greater", "than"})) return ">";
    if (before({"<"}) || before({"below"}) || before({"under"}) || before({"less", "than"})) {
        return "<";
    }
    return std::string(otherwise);
}

std::optional<Deadline> deadline_in(std::string_view text) {
    auto const tokens = tokens_of(text);
    for (std::size_t at = 0; at < tokens.size(); ++at) {
        bool const alone = tokens[at].text == "(";
        auto const from = alone ? at + 1 : after_limit_word(tokens, at);
        if (from == std::string::npos) continue;
        auto const span = span_at(tokens, from);
        bool const closes = span && (!alone || says(tokens, span->end, {")"}));
        if (!closes || span->seconds < 1 || span->seconds > seconds_max) continue;
        Deadline deadline;
        deadline.within = span->text;
        for (auto i = span->end; i < tokens.size(); ++i) {
            auto const& word = tokens[i].text;
            bool const over = word.starts_with("recover") || word.starts_with("restor") ||
                              word.starts_with("resolv") || word.starts_with("resolution");
            deadline.after_recovery = deadline.after_recovery || over;
        }
        return deadline;
    }
    return std::nullopt;
}

}  // namespace rollbackd::cli

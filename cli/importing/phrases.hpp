// What people write of numbers and times in a runbook: "> 80 %", "within 72 h", "24-48 hours".
// Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rollbackd::cli {

/// A word in small letters, a number, or a sign; "80%" is two of them, "5xx" is one.
struct Token {
    std::string text;
    bool number = false;
};

using Tokens = std::vector<Token>;

Tokens tokens_of(std::string_view text);

/// Whether the tokens at `at` are these words.
bool says(Tokens const& tokens, std::size_t at, std::initializer_list<std::string_view> words);

/// "72 h" as 72h, "24-48 hours" as 48h, in a policy's notation.
struct Span {
    std::string text;
    std::size_t end = 0;  // the token behind it
    double seconds = 0;
};
std::optional<Span> span_at(Tokens const& tokens, std::size_t at);

/// ">" for "over" and "more than", and so on, where the words before the number at `at` say so.
std::string comparison_before(Tokens const& tokens, std::size_t at, std::string_view otherwise);

/// Until when a thing is to be done.
struct Deadline {
    std::string within;
    bool after_recovery = false;  // else counted from when it was noticed
};
/// "within 72 h of becoming aware", "in the first 24 hours", "(< 1 h)".
std::optional<Deadline> deadline_in(std::string_view text);

}  // namespace rollbackd::cli

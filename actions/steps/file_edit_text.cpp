#include "actions/steps/file_edit_text.hpp"

#include <algorithm>
#include <optional>
#include <vector>

namespace rollbackd {

namespace {

constexpr std::string_view blanks = " \t";

/// A line by its place in the text, without its ending ("\n" or "\r\n").
struct Line {
    std::size_t begin = 0;
    std::string_view text;
};

std::vector<Line> lines_of(std::string_view text) {
    std::vector<Line> lines;
    for (std::size_t begin = 0; begin < text.size();) {
        auto const end = std::min(text.find('\n', begin), text.size());
        auto line = text.substr(begin, end - begin);
        if (line.ends_with('\r')) line.remove_suffix(1);
        lines.push_back({begin, line});
        begin = end + 1;
    }
    return lines;
}

/// The parts of `  export KEY = "value"  # why`, by offsets into the line.
struct Assignment {
    bool exported = false;
    std::string_view key;
    std::size_t value_begin = 0;
    std::size_t value_end = 0;  // quotes included
    char quote = 0;
    bool whole = true;  // false: the quote is not closed on this line
};

bool is_key_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
}

bool is_key(std::string_view key) {
    return !key.empty() && key.front() != '-' && key.front() != '.' &&
           std::all_of(key.begin(), key.end(), is_key_char);
}

std::size_t skip_blanks(std::string_view line, std::size_t at) {
    return std::min(line.find_first_not_of(blanks, at), line.size());
}

std::size_t quoted_end(std::string_view line, std::size_t begin, char quote) {
    for (auto at = begin + 1; at < line.size(); ++at) {
        if (line[at] == '\\' && quote == '"') {
            ++at;
        } else if (line[at] == quote) {
            return at + 1;
        }
    }
    return std::string_view::npos;
}

/// A "#" begins a comment only after a blank; blanks before it, or at the end, are not the value's.
std::size_t plain_end(std::string_view line, std::size_t begin) {
    auto end = line.size();
    for (auto at = begin; at < line.size(); ++at) {
        bool const after_blank = at == begin || blanks.find(line[at - 1]) != std::string::npos;
        if (line[at] == '#' && after_blank) {
            end = at;
            break;
        }
    }
    while (end > begin && blanks.find(line[end - 1]) != std::string::npos) --end;
    return end;
}

std::optional<Assignment> parse_assignment(std::string_view line) {
    Assignment found;
    auto at = skip_blanks(line, 0);
    constexpr std::string_view keyword = "export";
    if (line.substr(at).starts_with(keyword)) {
        auto const after = skip_blanks(line, at + keyword.size());
        found.exported = after > at + keyword.size();
        if (found.exported) at = after;
    }
    auto const key_begin = at;
    while (at < line.size() && is_key_char(line[at])) ++at;
    found.key = line.substr(key_begin, at - key_begin);
    at = skip_blanks(line, at);
    if (!is_key(found.key) || at >= line.size() || line[at] != '=') return std::nullopt;
    // Blanks after "=" before a comment are the comment's: KEY=   # none
    auto const value_at = skip_blanks(line, at + 1);
    bool const has_value = value_at < line.size() && line[value_at] != '#';
    found.value_begin = has_value ? value_at : at + 1;
    if (has_value && (line[value_at] == '"' || line[value_at] == '\'')) {
        found.quote = line[value_at];
        found.value_end = quoted_end(line, value_at, found.quote);
        found.whole = found.value_end != std::string_view::npos;
    } else {
        found.value_end = plain_end(line, found.value_begin);
    }
    return found;
}

std::string unquoted(std::string_view line, Assignment const& found) {
    auto const raw = line.substr(found.value_begin, found.value_end - found.value_begin);
    if (found.quote == 0) return std::string(raw);
    auto const inner = raw.substr(1, raw.size() - 2);
    if (found.quote == '\'') return std::string(inner);
    std::string out;
    for (std::size_t i = 0; i < inner.size(); ++i) {
        bool const escape = inner[i] == '\\' && i + 1 < inner.size() &&
                            std::string_view("\"\\$`").find(inner[i + 1]) != std::string::npos;
        if (escape) ++i;
        out += inner[i];
    }
    return out;
}

/// In the old value's quotes where they can hold the new one; quoted where it would otherwise be
/// split, expanded or taken for a comment by one of the many readers of such files.
std::string quoted(std::string_view value, char quote) {
    constexpr std::string_view plain = "_./:@%+=,-";
    bool const is_plain = std::all_of(value.begin(), value.end(), [&](char c) {
        return is_key_char(c) || plain.find(c) != std::string::npos;
    });
    if (quote == 0 && is_plain) return std::string(value);
    bool const expands = value.find_first_of("\"\\$`") != std::string::npos;
    if (quote == 0 || (quote == '"' && expands)) quote = expands ? '\'' : '"';
    if (value.find('\'') != std::string::npos) quote = '"';
    std::string out(1, quote);
    for (char const c : value) {
        if (quote == '"' && std::string_view("\"\\$`").find(c) != std::string::npos) out += '\\';
        out += c;
    }
    return out + quote;
}

std::string_view line_ending(std::string_view text) {
    auto const end = text.find('\n');
    bool const dos = end != std::string_view::npos && end > 0 && text[end - 1] == '\r';
    return dos ? "\r\n" : "\n";
}

bool breaks_a_line(std::string_view text) {
    return text.find_first_of(std::string_view("\n\r\0", 3)) != std::string_view::npos;
}

std::string number_list(std::vector<std::size_t> const& numbers) {
    std::string out;
    for (auto const number : numbers) out += (out.empty() ? "" : ", ") + std::to_string(number);
    return out;
}

EditedText replaced(
    std::string_view text, std::size_t begin, std::size_t end, std::string_view by
) {
    std::string out(text.substr(0, begin));
    out += by;
    out += text.substr(end);
    bool const changed = out != text;
    return {std::move(out), changed};
}

}  // namespace

Result<EditedText> set_env_key(
    std::string_view text, std::string_view key, std::string_view value
) {
    if (!is_key(key)) return fail(Errc::invalid, "not the name of a variable", std::string(key));
    if (breaks_a_line(value)) {
        return fail(Errc::invalid, "the value holds a line break or a zero byte", std::string(key));
    }
    std::optional<Assignment> last;
    Line place;
    std::size_t number = 0, place_number = 0;
    bool any = false, all_exported = true;
    for (auto const& line : lines_of(text)) {
        ++number;
        auto const found = parse_assignment(line.text);
        if (!found) continue;
        any = true;
        all_exported = all_exported && found->exported;
        if (found->key != key) continue;
        last = found;
        place = line;
        place_number = number;
    }
    if (!last) {
        std::string out(text);
        if (!out.empty() && !out.ends_with('\n')) out += line_ending(text);
        if (any && all_exported) out += "export ";
        out += std::string(key) + "=" + quoted(value, 0) + std::string(line_ending(text));
        return EditedText{std::move(out), true};
    }
    if (!last->whole) {
        return fail(
            Errc::invalid,
            "the value of " + std::string(key) + " spans several lines; edit it by hand",
            "line " + std::to_string(place_number)
        );
    }
    if (unquoted(place.text, *last) == value) return EditedText{std::string(text), false};
    return replaced(
        text, place.begin + last->value_begin, place.begin + last->value_end,
        quoted(value, last->quote)
    );
}

Result<EditedText> replace_line(
    std::string_view text, std::string_view line, bool prefix, std::string_view value
) {
    if (breaks_a_line(line) || breaks_a_line(value)) {
        return fail(Errc::invalid, "a line holds a line break or a zero byte");
    }
    std::vector<std::size_t> numbers;
    Line place;
    bool already = false;
    std::size_t number = 0;
    for (auto const& candidate : lines_of(text)) {
        ++number;
        already = already || candidate.text == value;
        if (prefix ? candidate.text.starts_with(line) : candidate.text == line) {
            numbers.push_back(number);
            place = candidate;
        }
    }
    if (numbers.size() > 1) {
        return fail(
            Errc::conflict, "matches lines " + number_list(numbers) + "; give more of the line",
            std::string(line)
        );
    }
    if (numbers.empty()) {
        if (already) return EditedText{std::string(text), false};
        return fail(Errc::not_found, "no such line", std::string(line));
    }
    return replaced(text, place.begin, place.begin + place.text.size(), value);
}

}  // namespace rollbackd

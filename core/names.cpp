#include "core/names.hpp"

#include "core/utf8.hpp"

#include <algorithm>
#include <vector>

namespace rollbackd {

namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            std::size_t const above = row[j];
            std::size_t const change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({change, above + 1, row[j - 1] + 1});
            diagonal = above;
        }
    }
    return row[b.size()];
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; }

bool same_but_for_case(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
        return lower(x) == lower(y);
    });
}

constexpr std::size_t short_hash_digits = 12;

bool is_word_char(char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_'; }

bool is_full_hash(std::string_view word) {
    if (word.size() != 40 && word.size() != 64) return false;
    return std::all_of(word.begin(), word.end(), [](char c) {
        return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'f');
    });
}

/// Calls `take(word, is a word)` for every part of the text, in order.
template <class F>
void each_word(std::string_view text, F&& take) {
    while (!text.empty()) {
        bool const word = is_word_char(text.front());
        auto const end =
            std::find_if(text.begin(), text.end(), [&](char c) { return is_word_char(c) != word; });
        auto const length = std::size_t(end - text.begin());
        take(text.substr(0, length), word);
        text.remove_prefix(length);
    }
}

}  // namespace

ShortHashes::ShortHashes(std::span<std::string const> texts) : digits_(short_hash_digits) {
    std::vector<std::string_view> words;
    for (auto const& text : texts) {
        each_word(text, [&](std::string_view part, bool word) {
            if (word && part.size() >= short_hash_digits) words.push_back(part);
        });
    }
    std::sort(words.begin(), words.end());
    words.erase(std::unique(words.begin(), words.end()), words.end());
    // Sorted, two that begin alike are neighbours.
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
        if (!is_full_hash(words[i]) && !is_full_hash(words[i + 1])) continue;
        auto const shorter = std::min(words[i].size(), words[i + 1].size());
        std::size_t common = 0;
        while (common < shorter && words[i][common] == words[i + 1][common]) ++common;
        digits_ = std::max(digits_, common + 1);
    }
}

bool ShortHashes::any_in(std::string_view text) {
    bool any = false;
    each_word(text, [&](std::string_view part, bool word) {
        any = any || (word && is_full_hash(part));
    });
    return any;
}

std::string ShortHashes::operator()(std::string_view text) const {
    std::string out;
    each_word(text, [&](std::string_view part, bool word) {
        out += word && is_full_hash(part) ? part.substr(0, digits_) : part;
    });
    return out;
}

bool is_valid_name(std::string_view name) {
    if (name.empty() || name.size() > 64 || !is_letter(name.front())) return false;
    return std::all_of(name.begin(), name.end(), [](char c) {
        return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
}

std::string nearest_name(std::string_view wrong, std::span<std::string const> candidates) {
    std::string best;
    std::size_t best_distance = std::max<std::size_t>(2, wrong.size() / 3) + 1;
    for (auto const& candidate : candidates) {
        if (same_but_for_case(wrong, candidate)) return candidate;
        std::size_t const distance = edit_distance(wrong, candidate);
        if (distance < best_distance) {
            best = candidate;
            best_distance = distance;
        }
    }
    return best;
}

std::string printable(std::string_view text, std::size_t length_max) {
    std::string out;
    auto rest = text.substr(0, length_max);
    bool const is_cut = rest.size() < text.size();
    while (!rest.empty()) {
        auto const character = decode_utf8(rest);
        auto const length = character.length;
        auto const byte = static_cast<unsigned char>(rest.front());
        bool const cut_through = length == 0 && is_cut && rest.size() < 4 && byte >= 0xc2;
        if (cut_through) break;  // the cut fell into a character: leave all of it out
        bool const is_control = (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f;
        auto const taken = rest.substr(0, std::max<std::size_t>(length, 1));
        if (length == 0 || is_control || is_deceptive(character.value)) {
            append_hex(out, taken);
        } else {
            out += taken;
        }
        rest.remove_prefix(taken.size());
    }
    if (is_cut) out += "…";
    return out;
}

std::string printable_line(std::string_view text, std::size_t length_max) {
    auto out = std::string(text);
    for (auto& c : out) {
        if (c == '\n' || c == '\r' || c == '\t') c = ' ';
    }
    return printable(out, length_max);
}

std::string shell_word(std::string_view argument) {
    bool const plain =
        !argument.empty() && std::all_of(argument.begin(), argument.end(), [](char c) {
            bool const letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
            bool const digit = c >= '0' && c <= '9';
            return letter || digit ||
                   std::string_view("_-./:=@%+,").find(c) != std::string_view::npos;
        });
    if (plain) return std::string(argument);
    std::string out = "'";
    for (char const c : argument) {
        if (c == '\'') {
            out += "'\\''";
        } else {
            out.push_back(c);
        }
    }
    return out + "'";
}

}  // namespace rollbackd

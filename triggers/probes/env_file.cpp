#include "triggers/probes/env_file.hpp"

#include "core/record.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

constexpr std::string_view blanks = " \t\r";

std::string_view trimmed(std::string_view text) {
    auto const from = text.find_first_not_of(blanks);
    if (from == std::string_view::npos) return {};
    return text.substr(from, text.find_last_not_of(blanks) - from + 1);
}

bool is_key(std::string_view text) {
    auto const fits = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '.' || c == '-';
    };
    return !text.empty() && std::all_of(text.begin(), text.end(), fits);
}

/// What stands between quotes, or before a comment.
std::string value_of(std::string_view text) {
    text = trimmed(text);
    if (text.starts_with('\'') || text.starts_with('"')) {
        char const quote = text.front();
        std::string out;
        for (std::size_t i = 1; i < text.size(); ++i) {
            if (text[i] == quote) return out;
            bool const escapes = quote == '"' && text[i] == '\\' && i + 1 < text.size();
            out += escapes ? text[++i] : text[i];
        }
        return std::string(text);  // a quote without its end is part of the value
    }
    auto const comment = text.find(" #");
    return std::string(trimmed(text.substr(0, comment)));
}

}  // namespace

EnvValues parse_env(std::string_view text) {
    constexpr std::string_view export_word = "export ";
    EnvValues values;
    while (!text.empty() && values.size() < env_keys_max) {
        auto const whole = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), whole.size() + 1));
        auto line = trimmed(whole);
        if (line.starts_with('#')) continue;
        if (line.starts_with(export_word)) line = trimmed(line.substr(export_word.size()));
        auto const equals = line.find('=');
        if (equals == std::string_view::npos) continue;
        auto const key = trimmed(line.substr(0, equals));
        if (is_key(key)) values[std::string(key)] = value_of(line.substr(equals + 1));
    }
    return values;
}

std::string env_problem(EnvValues const& values, EnvQuestion const& question) {
    auto const missing = [&](std::string const& key) -> std::string {
        auto const found = values.find(key);
        if (found == values.end()) return "absent: " + key;
        return found->second.empty() ? "empty: " + key : std::string();
    };
    for (auto const& key : question.keys) {
        if (auto problem = missing(key); !problem.empty()) return problem;
    }
    for (auto const& [key, expression] : question.match) {
        if (auto problem = missing(key); !problem.empty()) return problem;
        if (!found_in(expression, values.find(key)->second)) return "pattern: " + key;
    }
    for (auto const& [key, hash] : question.sha256) {
        if (auto problem = missing(key); !problem.empty()) return problem;
        if (sha256_hex(values.find(key)->second) != hash) return "differs: " + key;
    }
    return {};
}

}  // namespace rollbackd

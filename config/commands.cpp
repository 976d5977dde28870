#include "config/commands.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <sstream>

namespace rollbackd {

namespace {

using Words = std::vector<std::string>;

std::string base_name(std::string const& path) { return path.substr(path.find_last_of('/') + 1); }

Words argv_of(Step const& step) {
    Words words;
    auto const* const argv = step.params.if_contains("argv");
    if (argv == nullptr || !argv->is_array()) return words;
    for (auto const& item : argv->get_array()) {
        if (item.is_string()) words.emplace_back(item.get_string());
    }
    return words;
}

bool is_shell(std::string const& word) {
    static constexpr std::array shells{"sh", "bash", "dash", "zsh", "ksh", "ash"};
    auto const name = base_name(word);
    return std::any_of(shells.begin(), shells.end(), [&](auto const* shell) {
        return name == shell;
    });
}

/// A shell's option that takes a script: -c, -ec, -lc.
bool takes_script(std::string const& word) {
    return word.size() > 1 && word[0] == '-' && word[1] != '-' && word.back() == 'c';
}

/// Every word that may be a command or its argument, those of shell lines too.
Words all_words(Step const& step) {
    if (step.type != "exec") return {};
    Words lines = argv_of(step);
    if (auto const* const shell = step.params.if_contains("shell");
        shell != nullptr && shell->is_string()) {
        lines.emplace_back(shell->get_string());
    }
    Words words;
    for (auto const& line : lines) {
        std::istringstream stream(line);
        std::string word;
        while (stream >> word) {
            while (!word.empty() && (word.back() == ';' || word.back() == ')')) word.pop_back();
            words.push_back(base_name(word));
        }
    }
    return words;
}

bool has(Words const& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

/// Whether `second` stands after `first`.
bool follows(Words const& words, std::string_view first, std::string_view second) {
    auto const at = std::find(words.begin(), words.end(), first);
    return at != words.end() && std::find(at, words.end(), second) != words.end();
}

bool is_compose(Words const& words, std::string_view verb) {
    return follows(words, "compose", verb) || follows(words, "docker-compose", verb);
}

std::string first_of(Words const& words, std::initializer_list<std::string_view> known) {
    for (auto const& word : known) {
        if (has(words, word)) return std::string(word);
    }
    return "";
}

/// A program or a verb that puts something else in the place of what is there: restore,
/// restore-db.sh, pg-restore.
std::string restoring_word(Words const& words) {
    for (auto const& word : words) {
        auto const stem = word.substr(0, word.find('.'));
        bool const begins =
            stem == "restore" || stem.starts_with("restore-") || stem.starts_with("restore_");
        if (begins || stem.ends_with("-restore") || stem.ends_with("_restore")) return word;
    }
    return "";
}

/// -r, -rf, -fR, --recursive.
bool is_recursive(std::string const& word) {
    if (word == "--recursive") return true;
    return word.size() > 1 && word[0] == '-' && word[1] != '-' &&
           word.find_first_of("rR") != std::string::npos;
}

}  // namespace

std::string what_data_it_loses(Step const& step) {
    auto const words = all_words(step);
    if (step.type == "compose" && step.destructive) return "compose down with volumes";
    if (step.destructive) return step.type;
    if (is_compose(words, "down") && (has(words, "-v") || has(words, "--volumes"))) {
        return "compose down with volumes";
    }
    for (auto const* const word : {"dropdb", "pg_restore", "mkfs", "shred"}) {
        if (has(words, word)) return word;
    }
    if (has(words, "docker") && has(words, "prune")) return "docker prune";
    if (has(words, "rm") && std::any_of(words.begin(), words.end(), is_recursive)) return "rm -r";
    if (has(words, "FLUSHALL") || has(words, "FLUSHDB")) return "a flush of Redis";
    return "";
}

std::string what_it_destroys(Step const& step) {
    auto const words = all_words(step);
    auto data = what_data_it_loses(step);
    if (!data.empty()) return data;
    if (step.type == "compose" && text_of(step.params, "do") == "down") return "compose down";
    if (is_compose(words, "down")) return "compose down";
    if (step.type == "http" && text_of(step.params, "method") == "DELETE") return "http DELETE";
    if (auto word = first_of(words, {"rm", "unlink"}); !word.empty()) return word;
    for (auto const* const tool : {"kubectl", "podman", "docker", "helm"}) {
        for (auto const* const verb : {"delete", "rm", "uninstall"}) {
            if (follows(words, tool, verb)) return std::string(tool) + " " + verb;
        }
    }
    if (auto word = restoring_word(words); !word.empty()) return word;
    if (follows(words, "git", "reset") && has(words, "--hard")) return "git reset --hard";
    if (follows(words, "git", "clean")) return "git clean";
    return "";
}

bool is_compose_restart(Step const& step) {
    if (step.type == "compose") return text_of(step.params, "do") == "restart";
    return is_compose(all_words(step), "restart");
}

bool puts_template_into_shell(Step const& step) {
    auto const argv = argv_of(step);
    for (std::size_t i = 0; i + 2 < argv.size(); ++i) {
        if (!is_shell(argv[i]) || !takes_script(argv[i + 1])) continue;
        if (argv[i + 2].find("{{") != std::string::npos) return true;
    }
    return false;
}

}  // namespace rollbackd

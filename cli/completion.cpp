// completion: a script for bash, zsh or fish, from the table of commands alone.
#include "cli/handlers.hpp"
#include "cli/text.hpp"
#include "core/names.hpp"

#include <algorithm>
#include <ostream>
#include <set>
#include <sstream>

namespace rollbackd::cli {

namespace {

bool is_option(Argument const& argument) { return argument.name.starts_with('-'); }
bool takes_value(Argument const& argument) {
    return is_option(argument) && argument.shape != Shape::flag;
}

/// Whether what stands there is a file: of its value, or of a positional by its name.
bool is_file(Argument const& argument) {
    auto const& what = is_option(argument) ? argument.value : argument.name;
    return what.ends_with("FILE") || what.ends_with(".md");
}

/// "enforce or observe" of a document is not looked at; a list of words stands in the name.
std::vector<std::string> choices_of(Argument const& argument) {
    if (argument.name == "SHELL") return {"bash", "zsh", "fish"};
    if (argument.name == "--role") return {"read", "ingest", "operate", "approve", "admin"};
    if (argument.name == "--severity") return {"P0", "P1", "P2", "P3"};
    if (argument.name == "--state") {
        return {"open", "waiting", "acting", "verifying", "unverified", "resolved", "frozen"};
    }
    return {};
}

std::string first_word(std::string const& name) { return name.substr(0, name.find(' ')); }

/// Words that may follow `first` in a family of commands: "new" after "token".
std::string second_words(std::string const& first) {
    std::string out;
    for (auto const& command : commands()) {
        if (!command.name.starts_with(first + " ")) continue;
        out += (out.empty() ? "" : " ") + command.name.substr(first.size() + 1);
    }
    return out;
}

std::vector<Argument> arguments_of(Command const& command) {
    auto out = command.arguments;
    auto const& global = global_options();
    out.insert(out.end(), global.begin(), global.end());
    Argument help;
    help.shape = Shape::flag;
    help.name = "--help";
    help.doc = "what the command takes";
    out.push_back(help);
    return out;
}

std::string joined(std::vector<std::string> const& words) {
    std::string out;
    for (auto const& word : words) out += (out.empty() ? "" : " ") + word;
    return out;
}

std::string first_words() {
    std::vector<std::string> names;
    for (auto const& command : commands()) {
        auto const name = first_word(command.name);
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
    return joined(names);
}

std::string options_of(Command const& command) {
    std::vector<std::string> names;
    for (auto const& argument : arguments_of(command)) {
        if (is_option(argument)) names.push_back(argument.name);
    }
    return joined(names);
}

/// Every option that takes a value, of all commands: the word behind it is no command.
std::string valued_options(char const* between) {
    std::set<std::string> names;
    for (auto const& command : commands()) {
        for (auto const& argument : arguments_of(command)) {
            if (takes_value(argument)) names.insert(argument.name);
        }
    }
    std::string out;
    for (auto const& name : names) out.append(out.empty() ? "" : between).append(name);
    return out;
}

/// What bash and zsh share: the words typed so far in `words`, the one being typed in `current`.
void write_cases(std::ostream& out) {
    out << "    case \"$previous\" in\n";
    std::set<std::string> told;
    for (auto const& command : commands()) {
        for (auto const& argument : arguments_of(command)) {
            if (!takes_value(argument) || !told.insert(argument.name).second) continue;
            auto const choices = choices_of(argument);
            out << "        " << argument.name << ") "
                << (is_file(argument) ? "files=1" : "words=\"" + joined(choices) + "\"")
                << "; return ;;\n";
        }
    }
    out << "    esac\n    case \"$command\" in\n        '') words=\"" << first_words()
        << " --help --version\" ;;\n";
    std::set<std::string> families;
    for (auto const& command : commands()) {
        auto const first = first_word(command.name);
        if (first != command.name && families.insert(first).second) {
            out << "        '" << first << "') words=\"" << second_words(first) << "\" ;;\n";
        }
        std::string words = options_of(command);
        bool files = false;
        for (auto const& argument : command.arguments) {
            if (is_option(argument)) continue;
            files = files || is_file(argument);
            for (auto const& choice : choices_of(argument)) words = choice + " " + words;
        }
        out << "        '" << command.name << "') " << (files ? "files=1; " : "") << "words=\""
            << words << "\" ;;\n";
    }
    out << "    esac\n";
}

/// Finds the command among the words before the current one; sets words and files.
void write_candidates(std::ostream& out) {
    out << "_rollbackctl_candidates() {\n"
           "    command='' previous='' words='' files=0\n"
           "    local word skip=0\n"
           "    for word in \"$@\"; do\n"
           "        previous=\"$word\"\n"
           "        if [ \"$skip\" = 1 ]; then skip=0; previous=''; continue; fi\n"
           "        case \"$word\" in\n"
           "            "
        << valued_options("|")
        << ") skip=1 ;;\n"
           "            -*) ;;\n"
           "            *)\n"
           "                case \"$command\" in\n"
           "                    '') command=\"$word\" ;;\n";
    std::set<std::string> families;
    for (auto const& command : commands()) {
        auto const first = first_word(command.name);
        if (first != command.name && families.insert(first).second) {
            out << "                    '" << first << "') command=\"" << first << " $word\" ;;\n";
        }
    }
    out << "                esac ;;\n"
           "        esac\n"
           "    done\n";
    write_cases(out);
    out << "}\n";
}

std::string for_bash() {
    std::ostringstream out;
    out << "# bash completion of rollbackctl; written by `rollbackctl completion bash`.\n";
    write_candidates(out);
    out << "_rollbackctl() {\n"
           "    local command previous words files current=\"${COMP_WORDS[COMP_CWORD]}\"\n"
           "    _rollbackctl_candidates \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"\n"
           "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
           "    if [ \"$files\" = 1 ] && [[ \"$current\" != -* ]]; then\n"
           "        compopt -o filenames 2>/dev/null\n"
           "        local IFS=$'\\n'\n"
           "        COMPREPLY=($(compgen -f -- \"$current\"))\n"
           "    fi\n"
           "}\n"
           "complete -F _rollbackctl rollbackctl\n";
    return out.str();
}

std::string for_zsh() {
    std::ostringstream out;
    out << "#compdef rollbackctl\n"
           "# zsh completion of rollbackctl; written by `rollbackctl completion zsh`.\n";
    write_candidates(out);
    // The name `words` is zsh's own there.
    out << "_rollbackctl() {\n"
           "    local -a typed=(\"${(@)words[2,CURRENT-1]}\")\n"
           "    local command previous files current=\"${words[CURRENT]}\"\n"
           "    local words\n"
           "    _rollbackctl_candidates \"${typed[@]}\"\n"
           "    if [ \"$files\" = 1 ] && [[ \"$current\" != -* ]]; then\n"
           "        _files\n"
           "    else\n"
           "        compadd -- ${=words}\n"
           "    fi\n"
           "}\n"
           "if [ \"$funcstack[1]\" = _rollbackctl ]; then\n"
           "    _rollbackctl \"$@\"\n"
           "else\n"
           "    compdef _rollbackctl rollbackctl\n"
           "fi\n";
    return out.str();
}

std::string fish_text(std::string const& text) {
    std::string out = "'";
    for (char const c : text) {
        if (c == '\'' || c == '\\') out.push_back('\\');
        out.push_back(c);
    }
    return out + "'";
}

void write_fish_arguments(std::ostream& out, std::string const& when, Argument const& argument) {
    auto const words = joined(choices_of(argument));
    if (is_option(argument)) {
        out << "complete -c rollbackctl" << when << " -l " << argument.name.substr(2)
            << (takes_value(argument) ? (is_file(argument) ? " -r -F" : " -x") : "")
            << (words.empty() ? "" : " -a " + fish_text(words)) << " -d " << fish_text(argument.doc)
            << '\n';
        return;
    }
    if (is_file(argument)) out << "complete -c rollbackctl" << when << " -F\n";
    if (!words.empty())
        out << "complete -c rollbackctl" << when << " -a " << fish_text(words) << '\n';
}

std::string for_fish() {
    std::ostringstream out;
    out << "# fish completion of rollbackctl; written by `rollbackctl completion fish`.\n"
           "function __rollbackctl_at\n"
           "    set -l skip 0\n"
           "    set -l first ''\n"
           "    for word in (commandline -opc)[2..-1]\n"
           "        if test $skip = 1\n"
           "            set skip 0\n"
           "            continue\n"
           "        end\n"
           "        switch $word\n"
           "            case "
        << valued_options(" ")
        << "\n"
           "                set skip 1\n"
           "            case '-*'\n"
           "            case '*'\n"
           "                test -n \"$first\"; or set first $word\n"
           "        end\n"
           "    end\n"
           "    test \"$first\" = \"$argv[1]\"\n"
           "end\n"
           "complete -c rollbackctl -f\n";
    std::set<std::string> told;
    for (auto const& command : commands()) {
        auto const first = first_word(command.name);
        std::string when = " -n '__rollbackctl_at " + first + "'";
        if (told.insert(first).second) {
            out << "complete -c rollbackctl -n '__rollbackctl_at \"\"' -a " << first << " -d "
                << fish_text(first == command.name ? command.summary : second_words(first)) << '\n';
        }
        if (first != command.name) {
            auto const second = command.name.substr(first.size() + 1);
            out << "complete -c rollbackctl" << when << " -a " << second << " -d "
                << fish_text(command.summary) << '\n';
        }
        for (auto const& argument : command.arguments) write_fish_arguments(out, when, argument);
    }
    for (auto const& argument : global_options()) write_fish_arguments(out, "", argument);
    return out.str();
}

}  // namespace

Outcome<Exit> completion(Context& context, Arguments const& given) {
    auto const shell = given.text("SHELL");
    std::string script;
    if (shell == "bash") script = for_bash();
    if (shell == "zsh") script = for_zsh();
    if (shell == "fish") script = for_fish();
    if (script.empty()) {
        return misuse("completion '" + clean(shell) + "': expected bash, zsh or fish");
    }
    auto& out = context.terminal.out;
    if (context.json) {
        out << to_text(JsonObject{{"shell", shell}, {"script", script}}) << '\n';
    } else {
        out << script;
    }
    return Exit::done;
}

}  // namespace rollbackd::cli

#include "cli/app.hpp"

#include "cli/again.hpp"
#include "cli/text.hpp"
#include "core/names.hpp"

#include <algorithm>
#include <cerrno>
#include <CLI/CLI.hpp>
#include <fstream>
#include <istream>

namespace rollbackd::cli {

namespace {

constexpr std::size_t token_file_max = 4096;

/// A parsed command line: which command, with what.
struct Parsed {
    Command const* command = nullptr;
    Arguments arguments;
};

void add_argument(CLI::App& app, Argument const& argument, Arguments& into) {
    auto const take = [&into, name = argument.name](CLI::results_t const& given) {
        into.values[name] = given;
        return true;
    };
    switch (argument.shape) {
        case Shape::flag:
            app.add_flag(argument.name)->each([&into, name = argument.name](std::string value) {
                into.values[name] = {value == "false" || value == "0" ? "false" : "true"};
            });
            return;
        case Shape::positional:
            app.add_option(argument.name, take)->required();
            return;
        case Shape::optional:
        case Shape::option:
            app.add_option(argument.name, take);
            return;
        case Shape::required_option:
            app.add_option(argument.name, take)->required();
            return;
        case Shape::positionals:
        case Shape::rest:
            app.add_option(argument.name, take)->required()->expected(1, 256)->allow_extra_args();
            return;
        case Shape::repeated_option:
            app.add_option(argument.name, take)->expected(1, 64)->allow_extra_args(false);
            return;
    }
}

/// "journal verify" becomes a subcommand of a subcommand.
CLI::App* add_command(CLI::App& root, Command const& command, Parsed& parsed) {
    CLI::App* parent = &root;
    std::string name = command.name;
    if (auto const space = name.find(' '); space != std::string::npos) {
        auto const first = name.substr(0, space);
        name = name.substr(space + 1);
        auto const same =
            root.get_subcommands([&](CLI::App* app) { return app->get_name() == first; });
        parent = same.empty() ? root.add_subcommand(first) : same.front();
        parent->require_subcommand(1);
    }
    auto* const app = parent->add_subcommand(name);
    for (auto const& argument : command.arguments) {
        add_argument(*app, argument, parsed.arguments);
    }
    app->callback([&parsed, &command] { parsed.command = &command; });
    return app;
}

Refused unknown_command(std::vector<std::string> const& words) {
    std::vector<std::string> names;
    for (auto const& command : commands()) {
        names.push_back(command.name.substr(0, command.name.find(' ')));
    }
    std::string wrong;
    for (auto const& word : words) {
        if (!word.starts_with('-') && std::find(names.begin(), names.end(), word) == names.end()) {
            wrong = word;
            break;
        }
    }
    if (wrong.empty()) return {Exit::usage, "a command is missing; see 'rollbackctl --help'"};
    auto const near = nearest_name(wrong, names);
    return {
        Exit::usage, "there is no command '" + clean(wrong) + "'; " +
                         (near.empty() ? "" : "did you mean '" + near + "'? ") +
                         "see 'rollbackctl --help'"
    };
}

/// The innermost subcommand that was named, as the table knows it; empty: none.
std::string named_command(CLI::App const& root) {
    std::string name;
    for (auto const* app = &root; !app->get_subcommands().empty();) {
        app = app->get_subcommands().front();
        name += (name.empty() ? "" : " ") + app->get_name();
    }
    return name;
}

/// Help that was asked for: of the command named, of its family, else of everything.
std::string help_for(std::string const& name, std::size_t width) {
    std::string family;
    for (auto const& command : commands()) {
        if (command.name == name) return help(command, width);
        if (!name.empty() && command.name.starts_with(name + " ")) {
            family += (family.empty() ? "" : "\n") + help(command, width);
        }
    }
    return family.empty() ? help(width) : family;
}

Refused misuse_of(CLI::App const& root, std::vector<std::string> const& words, std::string what) {
    auto const name = named_command(root);
    if (name.empty()) return unknown_command(words);
    std::replace(what.begin(), what.end(), '\n', ' ');
    while (what.ends_with('.') || what.ends_with(' ')) what.pop_back();
    return {Exit::usage, clean(what) + "; see 'rollbackctl " + name + " --help'"};
}

Outcome<std::string> read_token(Terminal const& terminal, Arguments const& given) {
    auto const path = given.maybe("--token-file");
    if (!path) return terminal.environment("ROLLBACKD_TOKEN").value_or("");
    std::ifstream file(*path, std::ios::binary);
    std::string token(token_file_max, '\0');
    if (!file || !file.read(token.data(), std::streamsize(token.size())).eof()) {
        return refuse(
            clean(*path) + ": no token can be read from it; give a file that holds one token"
        );
    }
    token.resize(static_cast<std::size_t>(file.gcount()));
    return token;
}

/// Where the daemon is and who we are, from options, then the environment.
Outcome<Settings> settings_from(Terminal const& terminal, Arguments const& given) {
    Settings settings;
    auto url = given.maybe("--url");
    if (!url) url = terminal.environment("ROLLBACKD_URL");
    auto const address = parse_address(!url || url->empty() ? find_daemon() : *url);
    if (!address) return misuse(clean(to_string(address.error())));
    settings.address = *address;
    auto token = read_token(terminal, given);
    if (!token) return tl::unexpected(token.error());
    token->erase(0, std::min(token->find_first_not_of(" \t\r\n"), token->size()));
    token->erase(token->find_last_not_of(" \t\r\n") + 1);
    if (std::any_of(token->begin(), token->end(), [](char c) { return c <= ' ' || c == 0x7f; })) {
        return refuse("the token holds spaces or control characters; is it really a token?");
    }
    settings.token = std::move(*token);
    settings.tls = {given.text("--ca"), given.text("--cert"), given.text("--key")};
    settings.idempotency_key = given.text("--idempotency-key");
    if (std::any_of(settings.idempotency_key.begin(), settings.idempotency_key.end(), [](char c) {
            return c < ' ' || c == 0x7f;
        })) {
        return misuse("--idempotency-key holds control characters");
    }
    return settings;
}

Outcome<Exit> carry_out(Parsed const& parsed, Terminal& terminal) {
    auto settings = settings_from(terminal, parsed.arguments);
    if (!settings) return tl::unexpected(settings.error());
    Context context{terminal, std::move(*settings), parsed.arguments.on("--json")};
    if (parsed.arguments.on("--watch")) {
        return again_and_again(parsed.command->handler, context, parsed.arguments);
    }
    return parsed.command->handler(context, parsed.arguments);
}

/// The manual pages, which the build asks for; the daemon's own help comes on standard input.
bool tells_manual(std::vector<std::string> const& words, Terminal& terminal) {
    if (words == std::vector<std::string>{"--manual"}) {
        terminal.out << manual();
    } else if (words == std::vector<std::string>{"--manual-of-daemon"}) {
        std::string usage;
        for (std::string line; std::getline(terminal.in, line);) usage.append(line).append("\n");
        terminal.out << daemon_manual(usage);
    } else {
        return false;
    }
    return true;
}

Outcome<Exit> parse_and_run(std::vector<std::string> words, Terminal& terminal) {
    if (tells_manual(words, terminal)) return Exit::done;
    Parsed parsed;
    CLI::App root("", "rollbackctl");
    root.set_help_flag("-h,--help");
    root.set_version_flag("--version", std::string("rollbackctl ") + ROLLBACKD_VERSION);
    root.require_subcommand(1);
    root.fallthrough();
    root.add_flag_callback("--reference", [] { throw CLI::CallForAllHelp(); });
    for (auto const& option : global_options()) add_argument(root, option, parsed.arguments);
    for (auto const& command : commands()) add_command(root, command, parsed);
    auto const typed = words;
    try {
        std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
        root.parse(std::move(words));
    } catch (CLI::CallForAllHelp const&) {
        terminal.out << reference();
        return Exit::done;
    } catch (CLI::CallForHelp const&) {
        terminal.out << help_for(named_command(root), terminal.width);
        return Exit::done;
    } catch (CLI::CallForVersion const& version) {
        terminal.out << version.what() << '\n';
        return Exit::done;
    } catch (CLI::ParseError const& problem) {
        return tl::unexpected(misuse_of(root, typed, problem.what()));
    }
    return carry_out(parsed, terminal);
}

}  // namespace

int run_command_line(std::vector<std::string> const& arguments, Terminal& terminal) {
    if (arguments.empty()) {
        terminal.err << help(terminal.width);
        return static_cast<int>(Exit::usage);
    }
    auto const outcome = parse_and_run(arguments, terminal);
    terminal.out.flush();
    if (!outcome) {
        auto const& line = outcome.error().line;
        if (!line.empty()) terminal.err << "rollbackctl: " << line << '\n';
        return static_cast<int>(outcome.error().exit);
    }
    // A reader that has seen enough (| head) is no failure; a full disk is.
    if (!terminal.out && errno != EPIPE && *outcome == Exit::done) {
        terminal.err << "rollbackctl: standard output: what was asked for could not be written\n";
        return static_cast<int>(Exit::refused);
    }
    return static_cast<int>(*outcome);
}

}  // namespace rollbackd::cli

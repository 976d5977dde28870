// Help and reference, from the table alone: they cannot say what the parser does not do.
#include "cli/app.hpp"
#include "cli/text.hpp"

#include <algorithm>
#include <sstream>

namespace rollbackd::cli {

namespace {

constexpr std::size_t reference_width = 96;
constexpr std::size_t left_most = 34;

std::string shown(Argument const& argument) {
    return argument.name + (argument.value.empty() ? "" : " " + argument.value);
}

std::string usage_of(Command const& command) {
    std::string out = "rollbackctl " + command.name;
    for (auto const& argument : command.arguments) {
        switch (argument.shape) {
            case Shape::positional:
                out += " " + argument.name;
                break;
            case Shape::positionals:
                out += " " + argument.name + "…";
                break;
            case Shape::required_option:
                out += " " + shown(argument);
                break;
            case Shape::optional:
            case Shape::option:
            case Shape::flag:
                out += " [" + shown(argument) + "]";
                break;
            case Shape::repeated_option:
                out += " [" + shown(argument) + "]…";
                break;
            case Shape::rest:
                out += " -- " + argument.name + "…";
                break;
        }
    }
    return out;
}

/// "  left   right, wrapped beside it".
void print_pair(
    std::ostream& out, std::string const& left, std::string_view right, std::size_t left_width,
    std::size_t width
) {
    auto const indent = 2 + left_width + 2;
    auto const room = width > indent + 20 ? width - indent : 20;
    out << "  " << padded(left, left_width);
    if (width_of(left) > left_width) out << '\n' << std::string(left_width + 2, ' ');
    bool first = true;
    for (auto const& line : wrap(right, room)) {
        out << (first ? "  " : std::string(indent, ' ')) << line << '\n';
        first = false;
    }
}

void print_arguments(std::ostream& out, std::vector<Argument> const& arguments, std::size_t width) {
    std::size_t left = 0;
    for (auto const& argument : arguments) left = std::max(left, width_of(shown(argument)));
    for (auto const& argument : arguments) {
        print_pair(out, shown(argument), argument.doc, std::min(left, left_most), width);
    }
}

void print_wrapped(std::ostream& out, std::string_view text, std::size_t width) {
    for (auto const& line : wrap(text, width)) out << line << '\n';
}

void print_exit_codes(std::ostream& out, std::size_t width) {
    out << "\nExit codes:\n";
    for (auto const& [code, meaning] : exit_codes()) print_pair(out, code, meaning, 1, width);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> const& exit_codes() {
    static std::vector<std::pair<std::string, std::string>> const codes{
        {"0", "done"},
        {"1", "refused or failed; one line on standard error says why"},
        {"2", "the command line is wrong"},
        {"3", "the daemon cannot be reached"},
    };
    return codes;
}

std::string help(std::size_t width) {
    std::ostringstream out;
    print_wrapped(
        out, "rollbackctl: the command line of rollbackd, which rolls services back by policy.",
        width
    );
    out << "\nUsage: rollbackctl COMMAND [ARGUMENTS] [OPTIONS]\n";
    std::size_t left = 0;
    for (auto const& command : commands()) left = std::max(left, command.name.size());
    std::string group;
    for (auto const& command : commands()) {
        if (command.group != group) out << '\n' << command.group << ":\n";
        group = command.group;
        print_pair(out, command.name, command.summary, left, width);
    }
    out << "\nOptions of every command:\n";
    print_arguments(out, global_options(), width);
    print_exit_codes(out, width);
    out << "\nMore about one of them: rollbackctl COMMAND --help\n";
    return out.str();
}

std::string help(Command const& command, std::size_t width) {
    std::ostringstream out;
    bool first = true;
    for (auto const& line : wrap(usage_of(command), width > 40 ? width - 9 : width)) {
        out << (first ? "Usage: " : "         ") << line << '\n';
        first = false;
    }
    out << '\n';
    print_wrapped(out, command.summary + ".", width);
    if (!command.details.empty()) {
        out << '\n';
        print_wrapped(out, command.details, width);
    }
    if (!command.arguments.empty()) out << '\n';
    print_arguments(out, command.arguments, width);
    if (!command.example.empty()) out << "\nExample:\n  " << command.example << '\n';
    return out.str();
}

std::string reference() {
    std::ostringstream out;
    out << "# rollbackctl\n\n"
           "Made from the program's own table of commands; a test fails when the two differ. Write "
           "it anew\nwith `rollbackctl --reference > docs/cli.md`.\n\n```text\n"
        << help(reference_width) << "```\n";
    std::string group;
    for (auto const& command : commands()) {
        if (command.group != group) out << "\n## " << command.group << '\n';
        group = command.group;
        out << "\n### " << command.name << "\n\n```text\n"
            << help(command, reference_width) << "```\n";
    }
    return out.str();
}

}  // namespace rollbackd::cli

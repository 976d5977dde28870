// A command as a row of the table: its shape for the parser, its words for help and reference, and
// what carries it out. Adding a command is adding a row; see commands.cpp.
#pragma once

#include "cli/arguments.hpp"
#include "cli/client.hpp"
#include "cli/terminal.hpp"

namespace rollbackd::cli {

enum class Shape {
    positional,
    positionals,  // one or more
    optional,
    option,
    required_option,
    repeated_option,
    flag,
    rest,
};

struct Argument {
    Shape shape = Shape::positional;
    std::string name;   // "INC" of a positional, else "--reason"
    std::string value;  // how help names an option's value: TEXT; empty for flags
    std::string doc;    // one sentence without a full stop
};

/// What a command works with. `client` is made at first use: offline commands never need one.
struct Context {
    Terminal& terminal;
    Settings settings;
    bool json = false;

    Client client() const { return Client(settings); }
};

using Handler = Outcome<Exit> (*)(Context&, Arguments const&);

struct Command {
    std::string name;     // "approve", "journal verify"
    std::string group;    // headline it stands under in help
    std::string summary;  // one line
    std::vector<Argument> arguments;
    Handler handler;
    std::string details;  // more sentences for its own help; may be empty
    std::string example;  // a command line to copy
};

/// Every command, in the order help shows them.
std::vector<Command> const& commands();
/// Options every command takes.
std::vector<Argument> const& global_options();

}  // namespace rollbackd::cli

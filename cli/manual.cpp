// The manual pages, from the same table as --help: rollbackctl(1), and rollbackd(8) around the
// daemon's own usage.
#include "cli/app.hpp"
#include "cli/text.hpp"

#include <sstream>

namespace rollbackd::cli {

namespace {

// Of the pages' form: a build tells the same whenever it is made.
constexpr char const* form_date = "2026-11-23";

/// Text in roff: nothing in it is a request or an escape, and a hyphen stays one.
std::string roff(std::string_view text) {
    std::string out;
    bool at_start = true;
    for (char const c : text) {
        if (at_start && (c == '.' || c == '\'')) out += "\\&";
        at_start = c == '\n';
        if (c == '\\') {
            out += "\\e";
        } else if (c == '-') {
            out += "\\-";
        } else {
            out.push_back(c);
        }
    }
    return out;
}

void write_argument(std::ostream& out, Argument const& argument) {
    out << ".TP\n\\fB" << roff(argument.name) << "\\fR";
    if (!argument.value.empty()) out << " \\fI" << roff(argument.value) << "\\fR";
    out << '\n' << roff(argument.doc) << ".\n";
}

void write_command(std::ostream& out, Command const& command) {
    out << ".SS \"" << roff(command.name) << "\"\n" << roff(command.summary) << ".\n";
    if (!command.details.empty()) out << ".PP\n" << roff(command.details) << '\n';
    for (auto const& argument : command.arguments) write_argument(out, argument);
    if (command.example.empty()) return;
    out << ".PP\nExample:\n.PP\n.nf\n.RS\n" << roff(command.example) << "\n.RE\n.fi\n";
}

void write_head(std::ostream& out, std::string_view name, int section, std::string_view what) {
    out << ".\\\" Made by `rollbackctl --manual`; not to be changed by hand.\n.TH "
        << (section == 1 ? "ROLLBACKCTL" : "ROLLBACKD") << ' ' << section << " \"" << form_date
        << "\" \"rollbackd " << ROLLBACKD_VERSION << "\" \"rollbackd\"\n.SH NAME\n"
        << name << " \\- " << what << "\n";
}

}  // namespace

std::string manual() {
    std::ostringstream out;
    write_head(out, "rollbackctl", 1, "the command line of rollbackd, which rolls services back");
    out << ".SH SYNOPSIS\n.B rollbackctl\n.I COMMAND\n[\\fIARGUMENTS\\fR] [\\fIOPTIONS\\fR]\n"
           ".SH DESCRIPTION\nrollbackd watches services, decides by a written policy, and either "
           "alerts or runs the\nmatching rollback. rollbackctl shows what it sees and decides, and "
           "takes what people decide.\n";
    std::string group;
    for (auto const& command : commands()) {
        if (command.group != group) out << ".SH " << '"' << roff(command.group) << "\"\n";
        group = command.group;
        write_command(out, command);
    }
    out << ".SH \"OPTIONS OF EVERY COMMAND\"\n";
    for (auto const& option : global_options()) write_argument(out, option);
    out << ".SH \"EXIT STATUS\"\n";
    for (auto const& [code, meaning] : exit_codes()) {
        out << ".TP\n\\fB" << code << "\\fR\n" << roff(meaning) << ".\n";
    }
    out << ".SH \"SEE ALSO\"\n.BR rollbackd (8)\n";
    return out.str();
}

std::string daemon_manual(std::string const& usage) {
    std::ostringstream out;
    write_head(out, "rollbackd", 8, "watches services and rolls them back by policy");
    out << ".SH SYNOPSIS\n.B rollbackd\n[\\fIOPTIONS\\fR]\n"
           ".SH DESCRIPTION\nWatches services, decides by a written policy, and either alerts or "
           "runs the matching rollback,\nonce, all the way to a verified recovery, and leaves the "
           "incident report behind.\n.SH OPTIONS\n";
    std::istringstream lines(usage);
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("  -")) continue;
        auto const gap = line.find("  ", 2);
        if (gap == std::string::npos) continue;
        auto const doc = line.substr(line.find_first_not_of(' ', gap));
        out << ".TP\n\\fB" << roff(line.substr(2, gap - 2)) << "\\fR\n" << roff(doc) << '\n';
    }
    out << ".SH FILES\n.TP\n.I /etc/rollbackd/rollbackd.yaml\nThe policy; conf.d/*.yaml beside it "
           "is read too.\n.TP\n.I /var/lib/rollbackd/rollbackd.db\nThe journal.\n"
           ".SH SIGNALS\nSIGHUP reads the policy again; SIGTERM ends it, and steps under way are "
           "found by the next one.\n.SH \"SEE ALSO\"\n.BR rollbackctl (1)\n";
    return out.str();
}

}  // namespace rollbackd::cli

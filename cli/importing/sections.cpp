#include "cli/importing/sections.hpp"

#include "core/names.hpp"

#include <algorithm>

namespace rollbackd::cli {

namespace {

using Kind = MarkdownLine::Kind;
using What = KnownCommand::What;

constexpr std::size_t name_max = 40;

/// "git checkout <last good commit>": a placeholder that only git may have, for the good release.
std::string without_placeholder(std::string const& text) {
    auto const from = text.find('<');
    auto const to = text.find('>', from == text.npos ? 0 : from);
    if (from == text.npos || to == text.npos || !mentions(text, {"git checkout", "git reset"})) {
        return text;
    }
    auto out = text;
    return out.replace(from, to - from + 1, "known-good");
}

bool saves(std::string const& text) {
    return mentions(text, {"pg_dump"}) && !mentions(text, {"| psql"});
}

/// Data of another time in the place of today's.
bool restores(std::string const& text) {
    if (saves(text)) return false;
    bool const tool = mentions(
        text, {"pg_restore", "dropdb", "drop database", "mongorestore", "restic restore", "| psql",
               "| mysql"}
    );
    bool const fed = mentions(text, {"psql", "mysql"}) && mentions(text, {"<", " -f ", "--file"}) &&
                     mentions(text, {"backup", "dump", ".gz", "restore"});
    return tool || fed;
}

bool loses(std::string const& text) {
    bool const fed = mentions(text, {"psql", "mysql"}) && mentions(text, {" -f ", "--file"});
    return fed || mentions(
                      text, {"rm -rf", "down -v", "--volumes", " prune", "flushall", "flushdb",
                             "truncate ", "drop table", "delete from"}
                  );
}

bool restores_data(MarkdownLine const& heading) {
    return mentions(heading.text, {"restor", "roll back the database", "older dump"}) &&
           mentions(heading.text, {"database", "data", "backup", "dump"});
}

class Reader {
public:
    explicit Reader(std::vector<MarkdownLine> lines) {
        out_.lines = std::move(lines);
        cut_into_sections();
        name_playbooks();
    }
    Runbook take() { return std::move(out_); }

private:
    void cut_into_sections();
    void name_playbooks();
    void add_command(Section& section, MarkdownLine const& line, Standing& standing);

    Runbook out_;
    std::set<std::string> used_{"alert", "propose"};  // responses of their own
};

void Reader::add_command(Section& section, MarkdownLine const& line, Standing& standing) {
    if (section.restores == nullptr && restores(line.text)) section.restores = &line;
    if (section.loses == nullptr && loses(line.text)) section.loses = &line;
    auto const commands = plain_commands(without_placeholder(line.text));
    if (!commands) {
        KnownCommand known;
        known.why = commands.error().what;
        section.items.push_back({&line, known, true});
        return;
    }
    if (commands->empty()) {
        section.items.push_back({&line, {What::wait, "", "", "", "", false}, false});
    }
    for (auto const& words : *commands) {
        auto known = know(words, standing);
        if (out_.url.empty()) out_.url = known.url;
        if (known.takes_release_back && out_.repo.empty()) out_.repo = standing.folder;
        section.items.push_back({&line, known, known.what == What::person});
    }
}

void Reader::cut_into_sections() {
    out_.sections.emplace_back();
    Standing standing;
    for (auto const& line : out_.lines) {
        if (line.kind == Kind::heading) {
            out_.sections.emplace_back().heading = &line;
            out_.sections.back().verifies =
                mentions(line.text, {"verif", "verify", "check", "smoke", "confirm"});
            if (restores_data(line)) out_.sections.back().restores = &line;
            standing = {};
        } else if (line.kind == Kind::command) {
            add_command(out_.sections.back(), line, standing);
        } else {
            out_.sections.back().items.push_back({&line, {}, false});
        }
    }
}

// A heading with commands is a playbook; one below it that verifies, or only lists, belongs to it.
void Reader::name_playbooks() {
    std::string open;
    int open_level = 0;
    for (auto& section : out_.sections) {
        auto const level = section.heading == nullptr ? 0 : section.heading->level;
        if (!open.empty() && level <= open_level) open.clear();
        bool const commands =
            std::any_of(section.items.begin(), section.items.end(), [](Item const& item) {
                return item.line->kind == Kind::command;
            });
        if (!open.empty()) {
            section.playbook = open;
        } else if (commands && !section.verifies) {
            auto const title = section.heading == nullptr ? "runbook" : section.heading->text;
            auto const named = title.substr(0, title.find('('));
            section.playbook = unique_name(slug_of(named, "procedure"), used_);
            out_.playbooks.push_back(section.playbook);
            open = section.playbook;
            open_level = level;
        }
    }
}

}  // namespace

std::string slug_of(std::string_view text, std::string const& otherwise) {
    std::string out;
    for (char const c : text) {
        bool const upper = c >= 'A' && c <= 'Z';
        bool const plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || upper;
        if (plain) {
            out.push_back(upper ? char(c + 32) : c);
        } else if (!out.empty() && out.back() != '-') {
            out.push_back('-');
        }
        if (out.size() == name_max) break;
    }
    while (out.ends_with('-')) out.pop_back();
    while (!out.empty() && (out[0] == '-' || (out[0] >= '0' && out[0] <= '9'))) out.erase(0, 1);
    // YAML has a meaning for this one.
    return is_valid_name(out) && out != "null" ? out : otherwise;
}

std::string unique_name(std::string const& name, std::set<std::string>& used) {
    auto out = name;
    for (int n = 2; !used.insert(out).second; ++n) {
        out = name;
        out.append("-").append(std::to_string(n));
    }
    return out;
}

bool mentions(std::string text, std::initializer_list<std::string_view> words) {
    std::transform(text.begin(), text.end(), text.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? char(c + 32) : c;
    });
    return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
        return text.find(word) != std::string::npos;
    });
}

Harm harm_of(Runbook const& runbook, std::string const& playbook) {
    Harm harm;
    bool data = false;
    bool back = false;
    for (auto const& section : runbook.sections) {
        if (section.playbook != playbook) continue;
        auto const* const line = section.restores != nullptr ? section.restores : section.loses;
        bool const worse = section.restores != nullptr && !data;
        if (line != nullptr && (harm.line == nullptr || worse)) harm.line = line;
        data = data || section.restores != nullptr;
        for (auto const& item : section.items) {
            back = back || (item.known.takes_release_back && !item.by_person);
        }
    }
    if (back) harm.undoes = Undoes::release;
    if (data) harm.undoes = Undoes::data;
    return harm;
}

Runbook understood(std::vector<MarkdownLine> lines) { return Reader(std::move(lines)).take(); }

}  // namespace rollbackd::cli

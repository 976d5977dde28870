// A runbook understood: its sections, which of them are playbooks, and what each of their commands
// is. Pure.
#pragma once

#include "actions/playbook.hpp"
#include "cli/importing/known_commands.hpp"
#include "cli/importing/markdown.hpp"

#include <set>

namespace rollbackd::cli {

/// A command of the runbook, in the place it has there.
struct Item {
    MarkdownLine const* line = nullptr;
    KnownCommand known;
    bool by_person = false;
};

/// What stands under one heading.
struct Section {
    MarkdownLine const* heading = nullptr;
    std::vector<Item> items;
    bool verifies = false;                   // its commands say whether it has worked
    MarkdownLine const* restores = nullptr;  // what puts data of another time in place
    MarkdownLine const* loses = nullptr;     // what may destroy data in another way
    std::string playbook;                    // it becomes this one, or belongs to it
};

struct Runbook {
    std::vector<MarkdownLine> lines;
    std::vector<Section> sections;
    std::vector<std::string> playbooks;  // names, in their order
    std::string url;                     // the first that is asked
    std::string repo;                    // the work tree that is taken back
};

/// What a playbook undoes: its sections' worst.
struct Harm {
    Undoes undoes = Undoes::nothing;
    MarkdownLine const* line = nullptr;  // of what may lose data; null: nothing does
};
Harm harm_of(Runbook const& runbook, std::string const& playbook);

Runbook understood(std::vector<MarkdownLine> lines);

/// "Code rollback" as code-rollback; `otherwise` where nothing of it can be a name.
std::string slug_of(std::string_view text, std::string const& otherwise);
/// `name`, or name-2, name-3 where it is used; used from then on.
std::string unique_name(std::string const& name, std::set<std::string>& used);
/// Whether one of the words stands in it, whatever its capitals.
bool mentions(std::string text, std::initializer_list<std::string_view> words);

}  // namespace rollbackd::cli

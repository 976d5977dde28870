// import: a first policy from a paper runbook.
#include "cli/importing/import.hpp"
#include "cli/files.hpp"
#include "cli/first_policy.hpp"
#include "cli/handlers.hpp"
#include "cli/importing/markdown.hpp"
#include "cli/text.hpp"
#include "config/catalogue.hpp"
#include "core/names.hpp"

#include <filesystem>
#include <ostream>

namespace rollbackd::cli {

Outcome<Exit> import_runbook(Context& context, Arguments const& given) {
    auto const path = given.text("RUNBOOK.md");
    auto const text = read_whole(path, runbook_bytes_max);
    if (!text) return tl::unexpected(text.error());
    auto const stem = std::filesystem::path(path).stem().string();
    auto const name = given.maybe("--service").value_or(service_name_from(stem));
    if (!is_valid_name(name)) {
        return misuse(
            "--service '" + clean(name) + "': a letter, then letters, digits, '_' or '-'"
        );
    }
    auto const made = import_markdown(*text, name, known_types());
    if (!made) return refuse(clean(path) + ": " + clean(made.error().what));
    auto const target = given.text("--output");
    if (!target.empty()) {
        if (auto written = write_new(target, made->yaml); !written) return written;
    }
    auto const& terminal = context.terminal;
    if (context.json) {
        terminal.out << to_text(JsonObject{
                            {"policy", made->yaml},
                            {"playbooks", made->playbooks},
                            {"steps", made->steps},
                            {"by_people", made->by_people},
                            {"triggers", made->triggers},
                            {"duties", made->duties},
                            {"open", made->open},
                        })
                     << '\n';
        return Exit::done;
    }
    if (target.empty()) terminal.out << made->yaml;
    terminal.err << counted(made->playbooks, "playbook") << " with " << counted(made->steps, "step")
                 << " and " << counted(made->by_people, "instruction") << " for people, "
                 << counted(made->triggers, "trigger") << ", "
                 << (made->duties == 1 ? "1 duty" : std::to_string(made->duties) + " duties")
                 << "; " << counted(made->open, "line") << " marked for a person to decide\n";
    return Exit::done;
}

}  // namespace rollbackd::cli

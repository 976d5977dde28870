// Any text as a runbook: a policy that has no error, only observes and holds every line of it, or a
// refusal in words.
#include "cli/importing/import.hpp"
#include "cli/importing/markdown.hpp"
#include "config/catalogue.hpp"
#include "core/ensure.hpp"
#include "core/utf8.hpp"
#include "tests/fuzz/entries.hpp"

#include <algorithm>

using namespace rollbackd;

int rollbackd::fuzz::runbook(std::uint8_t const* data, std::size_t size) {
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    auto const made = cli::import_markdown(text, "shop", known_types());
    if (!made) {
        ensure(!made.error().what.empty(), "a refusal says why");
        ensure(made.error().what.find("no policy can be made") != 0, "what is there becomes one");
        return 0;
    }
    auto const& yaml = made->yaml;
    ensure(find_not_utf8(yaml) == std::string::npos, "a policy is UTF-8");
    ensure(
        std::none_of(
            yaml.begin(), yaml.end(), [](char c) { return c != '\n' && c >= 0 && c < 32; }
        ),
        "without control characters"
    );
    for (auto const& line : cli::read_markdown(text)) {
        auto const number = std::to_string(line.number);
        bool const there = yaml.find("# " + number + ": ") != std::string::npos ||
                           yaml.find("line " + number) != std::string::npos;
        ensure(there, "every line of the runbook is in it");
    }
    auto const result = parse_policy(yaml, "made", known_types(), {false, false});
    ensure(result.ok(), "it passes its check");
    ensure(result.policy->services.size() == 1, "nothing has slipped in");
    ensure(result.policy->daemon.autonomy == Autonomy::observe, "it only observes");
    for (auto const& playbook : result.policy->services.front().playbooks) {
        ensure(playbook.approval, "each playbook asks a person");
    }
    return 0;
}

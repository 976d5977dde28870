// The rows of a runbook's decision tables as triggers: what is seen, how bad it is, what is done.
// Pure.
#pragma once

#include "cli/importing/sections.hpp"
#include "cli/importing/symptoms.hpp"

#include <map>

namespace rollbackd::cli {

struct Decision {
    MarkdownLine const* row = nullptr;
    std::string name;
    std::string severity;
    std::string response;
    std::optional<Symptom> symptom;  // nothing: only a person notices it
};

/// In the order of the rows. Names in `used` are taken, and so are theirs from then on. Rows in
/// `by_person` keep to what a person reports.
std::vector<Decision> decisions_of(
    Runbook const& runbook, std::set<std::string>& used, std::set<int> const& by_person
);

}  // namespace rollbackd::cli

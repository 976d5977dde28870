// A paper runbook as a first policy: in observe mode, commented, with every line of the runbook in
// it, and free of what `check` calls an error. Pure.
#pragma once

#include "config/load.hpp"

namespace rollbackd::cli {

struct Imported {
    std::string yaml;
    std::size_t playbooks = 0;
    std::size_t steps = 0;      // that rollbackd can carry out
    std::size_t by_people = 0;  // steps that show an instruction
    std::size_t triggers = 0;
    std::size_t duties = 0;
    std::size_t open = 0;  // lines marked for a person
};

/// `name` is the service's. Errors: it is too long, or nothing in it can become a policy.
Result<Imported> import_markdown(
    std::string_view markdown, std::string const& name, Catalogue const& catalogue
);

}  // namespace rollbackd::cli

// What a command line is known to do, by its words: for warnings only. A command that is not
// recognised is not thereby harmless.
#pragma once

#include "actions/playbook.hpp"

namespace rollbackd {

/// "compose down", "rm -r", …: what the step destroys, evidence or data; empty: nothing known.
std::string what_it_destroys(Step const& step);
/// The same for data only.
std::string what_data_it_loses(Step const& step);
/// docker compose restart, docker-compose restart.
bool is_compose_restart(Step const& step);
/// argv: [sh, -c, "… {{ name }} …"].
bool puts_template_into_shell(Step const& step);

}  // namespace rollbackd

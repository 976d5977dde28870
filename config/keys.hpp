// The fixed keys of a policy, one table a place: name, type, bounds and a sentence. The reader
// takes only keys that stand here, so reader, JSON schema and reference documentation cannot
// disagree.
#pragma once

#include "config/yaml_cursor.hpp"

namespace rollbackd::keys {

Section const& root();
Section const& daemon();
Section const& tls();
Section const& client();
Section const& heartbeat();
Section const& respond_within();
Section const& token();
Section const& limits();
Section const& channel();  // beside the form
Section const& host();
Section const& matrix_row();
Section const& matrix_when();
Section const& service();
Section const& release();
Section const& signal();     // beside the form
Section const& reference();  // beside the form
Section const& trigger();
Section const& classify();
Section const& rung();
Section const& playbook();
Section const& step();   // beside the form
Section const& check();  // an entry of verify or success
Section const& duty();
Section const& follow_up();  // an entry that is more than a text
Section const& gate();

/// Of `follow_up`: how often people may be reminded, and for how long; a week of it is a duty.
constexpr Duration reminder_every_min = std::chrono::seconds(1);
constexpr Duration reminder_every_max = std::chrono::hours(24);
constexpr Duration reminder_for_standard = std::chrono::hours(4);
constexpr Duration reminder_for_max = std::chrono::hours(168);

/// Every section, in the order of the reference documentation.
std::vector<Section const*> all();

/// Roles a matrix may answer with beside the playbooks that exist (RUNBOOKS' decision table).
std::vector<std::string> const& roles();

}  // namespace rollbackd::keys

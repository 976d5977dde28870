// The fixed keys of a policy, one table a place: name, type, bounds and a sentence. The reader
// takes only keys that stand here, so reader, JSON schema and reference documentation cannot
// disagree.
#pragma once

#include "config/yaml_cursor.hpp"

namespace rollbackd::keys {

Section const& root();
Section const& daemon();
Section const& tls();
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
Section const& gate();

/// Every section, in the order of the reference documentation.
std::vector<Section const*> all();

/// Roles a matrix may answer with beside the playbooks that exist (RUNBOOKS' decision table).
std::vector<std::string> const& roles();

}  // namespace rollbackd::keys

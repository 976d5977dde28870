// What each step type says about itself to configuration: one function a type, defined in the
// type's own file beside what it does.
#pragma once

#include "core/descriptor.hpp"

namespace rollbackd {

TypeInfo exec_info();
TypeInfo http_step_info();
TypeInfo git_checkout_info();
TypeInfo git_revert_info();
TypeInfo systemd_info();
TypeInfo file_edit_info();
TypeInfo capture_evidence_info();
/// Carried out by the engine itself; here so that configuration knows their fields.
TypeInfo wait_until_info();
TypeInfo notify_info();
TypeInfo manual_info();

}  // namespace rollbackd

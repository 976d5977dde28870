// capture_evidence: what the next steps might destroy, kept in the incident.
#include "actions/steps/infos.hpp"

namespace rollbackd {

TypeInfo capture_evidence_info() {
    TypeInfo info;
    info.name = "capture_evidence";
    info.doc =
        "Keeps the output of commands and the ends of files in the incident, hashed, secrets "
        "removed. A command that fails is recorded as such and stops nothing.";
    info.fields = {
        {.name = "commands", .type = FieldType::argv_list, .doc = "Commands whose output is kept."},
        {.name = "files", .type = FieldType::text_list, .doc = "Files whose last 64 KiB are kept."},
    };
    info.idempotent = true;
    info.evidence = true;
    info.runs_process = true;
    return info;
}

}  // namespace rollbackd

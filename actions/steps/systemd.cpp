// systemd: one verb on one unit, and a look at its effect.
#include "actions/steps/infos.hpp"

namespace rollbackd {

TypeInfo systemd_info() {
    TypeInfo info;
    info.name = "systemd";
    info.doc =
        "Restarts, starts, stops or reloads a unit and checks the state it is in afterwards.";
    info.fields = {
        {.name = "unit",
         .type = FieldType::text,
         .doc = "The unit, with its ending: shop.service.",
         .required = true},
        {.name = "do",
         .type = FieldType::choice,
         .doc = "What to do with it.",
         .required = true,
         .choices = {"restart", "start", "stop", "reload"}},
    };
    info.idempotent = true;
    info.restarts = true;
    info.runs_process = true;
    return info;
}

}  // namespace rollbackd

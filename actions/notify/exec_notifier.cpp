// exec: a message handed to a program of the user's own.
#include "actions/notify/infos.hpp"

namespace rollbackd {

TypeInfo exec_notifier_info() {
    TypeInfo info;
    info.name = "exec";
    info.doc =
        "Runs a program with the message as JSON on its standard input; exit 0 is delivered.";
    info.fields = {
        {.name = "argv",
         .type = FieldType::argv,
         .doc = "The program and its arguments.",
         .required = true},
        {.name = "timeout",
         .type = FieldType::duration,
         .doc = "How long one attempt may take.",
         .otherwise = 10'000'000'000,
         .min = 1e8,
         .max = 6e10},
    };
    info.runs_process = true;
    return info;
}

}  // namespace rollbackd

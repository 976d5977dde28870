// exec: a command of the user's own.
#include "actions/steps/infos.hpp"

namespace rollbackd {

TypeInfo exec_info() {
    TypeInfo info;
    info.name = "exec";
    info.doc = "Runs a program. Exit status 0 is done, any other is failed.";
    info.fields = {
        {.name = "argv",
         .type = FieldType::argv,
         .doc = "The program and its arguments, each an element; no shell is involved."},
        {.name = "shell",
         .type = FieldType::text,
         .doc = "Instead of argv: a line for /bin/sh. Template values in it must be plain."},
        {.name = "cwd", .type = FieldType::path, .doc = "The folder it runs in; default `/`."},
        {.name = "env",
         .type = FieldType::text_map,
         .doc = "Added to its environment, which otherwise holds PATH, HOME, USER and LANG only."},
    };
    info.one_of = {{"argv", "shell"}};
    info.runs_process = true;
    return info;
}

}  // namespace rollbackd

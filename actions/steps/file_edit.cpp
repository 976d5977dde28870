// file_edit: one key of an env file, or one line of any text file.
#include "actions/steps/infos.hpp"

namespace rollbackd {

TypeInfo file_edit_info() {
    TypeInfo info;
    info.name = "file_edit";
    info.doc =
        "Sets one KEY=value of an env file, or replaces one line. Atomic; owner, mode, comments, "
        "quotes and every other byte stay. A key that is not there is appended.";
    info.fields = {
        {.name = "file",
         .type = FieldType::path,
         .doc = "The file; it must exist.",
         .required = true},
        {.name = "key",
         .type = FieldType::text,
         .doc = "Name of the variable. Where it is set twice the last one, which wins, is edited."},
        {.name = "line", .type = FieldType::text, .doc = "The line to replace."},
        {.name = "match",
         .type = FieldType::choice,
         .doc = "How `line` is compared: the whole line, or how it begins.",
         .otherwise = "exact",
         .choices = {"exact", "prefix"}},
        {.name = "value",
         .type = FieldType::text,
         .doc = "The key's new value, or the whole new line.",
         .required = true},
    };
    info.one_of = {{"key", "line"}};
    info.idempotent = true;
    info.edits = true;
    info.runs_process = true;
    return info;
}

}  // namespace rollbackd

// git_revert: a commit that undoes another, pushed where that is asked for.
#include "actions/steps/infos.hpp"

namespace rollbackd {

TypeInfo git_revert_info() {
    TypeInfo info;
    info.name = "git_revert";
    info.doc =
        "Commits the inverse of a commit (of a merge: against its first parent) and pushes it. A "
        "conflict or a refused push leaves the work tree and the branch as they were.";
    info.fields = {
        {.name = "repo", .type = FieldType::path, .doc = "The work tree.", .required = true},
        {.name = "commit", .type = FieldType::text, .doc = "What to revert.", .required = true},
        {.name = "push",
         .type = FieldType::text,
         .doc = "true (to the branch's upstream), REMOTE, or REMOTE/BRANCH; default: no push.",
         .otherwise = "false"},
    };
    info.edits = true;
    info.runs_process = true;
    return info;
}

}  // namespace rollbackd

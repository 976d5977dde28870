// git_checkout: a work tree at exactly one commit.
#include "actions/steps/infos.hpp"

namespace rollbackd {

TypeInfo git_checkout_info() {
    TypeInfo info;
    info.name = "git_checkout";
    info.doc =
        "Checks a commit, tag or branch out in a work tree, another user's too. Refused, and "
        "nothing touched, where tracked files have changes; HEAD is verified afterwards.";
    info.fields = {
        {.name = "repo", .type = FieldType::path, .doc = "The work tree.", .required = true},
        {.name = "to",
         .type = FieldType::text,
         .doc = "A commit, tag or branch, usually \"{{ known_good.version }}\".",
         .required = true},
    };
    info.idempotent = true;
    info.edits = true;
    info.runs_process = true;
    return info;
}

}  // namespace rollbackd

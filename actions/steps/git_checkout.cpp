// git_checkout: a work tree at exactly one commit.
#include "actions/steps/descriptor.hpp"
#include "actions/steps/git_script.hpp"
#include "actions/steps/words.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

TypeInfo git_checkout_info() {
    TypeInfo info;
    info.name = "git_checkout";
    info.doc =
        "Checks a commit, tag or branch out in a work tree, another user's too. Refused, and "
        "nothing touched, where tracked files have changes or untracked ones are in the way; HEAD "
        "is verified afterwards.";
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

// After git_prelude; $1 repo, $2 target.
constexpr char const* act_script = R"sh(
target=$(resolve "$2") || exit 10
refuse_changes || exit 10
head=$(g rev-parse HEAD)
if [ "$head" = "$target" ]; then echo "HEAD is $target already"; exit 0; fi
if g show-ref --verify --quiet "refs/heads/$2"; then
    g checkout --quiet --no-overwrite-ignore "$2" -- || exit 11
else
    g checkout --quiet --no-overwrite-ignore --detach "$target" || exit 11
fi
now=$(g rev-parse HEAD)
[ "$now" = "$target" ] || { echo "HEAD is $now after the checkout, not $target" >&2; exit 12; }
refuse_changes || exit 12
echo "HEAD was $head, is $target"
)sh";

constexpr char const* preflight_script = R"sh(
target=$(resolve "$2") || exit 66
refuse_changes || exit 10
# Files that git does not know and that stand where the target has one. Lists, and changes nothing.
in_the_way=$(g -c core.quotePath=false diff --name-only --no-renames --diff-filter=A HEAD "$target" | while IFS= read -r file; do
    if [ -e "$repo/$file" ] || [ -L "$repo/$file" ]; then printf '%s\n' "$file"; fi
done | head -n 20)
if [ -n "$in_the_way" ]; then
    echo "$repo has files that are not in git where $2 has its own; move them away:" >&2
    printf '%s\n' "$in_the_way" >&2
    exit 10
fi
as_owner test -w "$(g rev-parse --absolute-git-dir)" && as_owner test -w "$repo" || {
    echo "$repo: not writable for $(id -un)" >&2
    exit 10
}
)sh";

constexpr char const* settle_script = R"sh(
target=$(resolve "$2") || exit 2
head=$(g rev-parse HEAD) || exit 2
[ "$head" = "$target" ] && refuse_changes && exit 0
exit 1
)sh";

Command command(StepJob const& job, std::string const& script) {
    Command out;
    auto const whole = std::string(git_prelude) + script;
    out.argv = script_argv("git_checkout", whole.c_str(), {job.text("repo"), job.text("to")});
    return out;
}

asio::awaitable<StepOutcome> run(StepJob& job) {
    auto const end = co_await job.process("git", command(job, act_script));
    co_return job.outcome(end);
}

asio::awaitable<std::optional<Objection>> preflight(StepJob& job) {
    auto const end = co_await job.ask(command(job, preflight_script));
    co_return objection(job, end);
}

asio::awaitable<StepOutcome> settle(StepJob& job) {
    auto const end = co_await job.ask(command(job, settle_script));
    co_return settled(end);
}

std::string dry_run(Step const& step) {
    auto const params = Json(step.params);
    return "check " + text_of(params, "to") + " out in " + text_of(params, "repo");
}

Effect effect(Step const& step) { return brings_files(step, {"repo"}); }

}  // namespace

StepType git_checkout_step() {
    return {
        .info = git_checkout_info(),
        .run = run,
        .dry_run = dry_run,
        .preflight = preflight,
        .settle = settle,
        .effect = effect,
    };
}

}  // namespace rollbackd

// git_revert: a commit that undoes another, pushed where that is asked for.
#include "actions/steps/descriptor.hpp"
#include "actions/steps/git_script.hpp"
#include "actions/steps/words.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

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

// After git_prelude; $1 repo, $2 commit, $3 push. Sets commit, branch, remote, remote_branch.
constexpr char const* common_script = R"sh(
commit=$(resolve "$2") || exit 10
branch=$(g symbolic-ref --quiet --short HEAD)
remote='' remote_branch=''
case $3 in
    ''|false) ;;
    true)
        remote=$(g config "branch.$branch.remote")
        remote_branch=$(g config "branch.$branch.merge")
        remote_branch=${remote_branch#refs/heads/}
        if [ -z "$remote" ] || [ -z "$remote_branch" ]; then
            echo "$repo: ${branch:-a detached HEAD} has no upstream; write push: origin/main" >&2
            exit 10
        fi ;;
    */*) remote=${3%%/*} remote_branch=${3#*/} ;;
    *) remote=$3 remote_branch=$branch ;;
esac
if [ -n "$remote" ] && [ -z "$remote_branch" ]; then
    echo "$repo: HEAD is detached; name the branch: push: $remote/main" >&2
    exit 10
fi
case $remote in -*) echo "not a remote: $remote" >&2; exit 10 ;; esac
# The newest commit since then that says it reverts this one; empty: none.
reverting() {
    g log --format=%H --fixed-strings --grep="This reverts commit $commit" -n 1 "$commit..HEAD"
}
# Sets there, and there_code: 0 the branch is there, 2 it is not, else the remote did not answer.
ask_remote() {
    there=$(g ls-remote --exit-code "$remote" "refs/heads/$remote_branch")
    there_code=$?
    there=$(printf '%s' "$there" | cut -f1)
}
)sh";

// The tree was clean, so going back loses nothing but the revert.
constexpr char const* act_script = R"sh(
refuse_changes || exit 10
if ! g merge-base --is-ancestor "$commit" HEAD; then
    echo "$commit is not part of HEAD: nothing to revert" >&2
    exit 10
fi
old=$(g rev-parse HEAD)
go_back() {
    g revert --quit >/dev/null 2>&1
    g reset --quiet --hard "$old" && [ "$(g rev-parse HEAD)" = "$old" ] ||
        echo "$repo: could not go back to $old" >&2
}
mainline=''
[ "$(g rev-list --parents -n 1 "$commit" | wc -w)" -gt 2 ] && mainline='-m 1'
# The repository's own identity wins.
set --
g config user.email >/dev/null || set -- -c user.name=rollbackd -c user.email=rollbackd@localhost
if ! g "$@" -c commit.gpgSign=false revert --no-edit $mainline "$commit" >&2; then
    conflicts=$(g diff --name-only --diff-filter=U | head -n 20)
    go_back
    [ -z "$conflicts" ] || printf 'conflicts in:\n%s\n' "$conflicts" >&2
    exit 11
fi
new=$(g rev-parse HEAD)
if [ -n "$remote" ] && ! g push --quiet "$remote" "HEAD:refs/heads/$remote_branch" >&2; then
    # Refused, or only not answered? The remote knows.
    ask_remote
    if [ "$there" != "$new" ]; then
        if [ "$there_code" != 0 ] && [ "$there_code" != 2 ]; then
            echo "whether the push arrived is unknown: $remote does not answer" >&2
            exit 75
        fi
        go_back
        echo "the push to $remote/$remote_branch was refused; the revert was taken back" >&2
        exit 12
    fi
fi
echo "reverted $commit by $new${remote:+, pushed to $remote/$remote_branch}"
)sh";

constexpr char const* preflight_script = R"sh(
refuse_changes || exit 10
if ! g merge-base --is-ancestor "$commit" HEAD; then
    echo "$commit is not part of HEAD: nothing to revert" >&2
    exit 10
fi
)sh";

// 0: reverted and, where asked for, pushed; 1: not; 2: nobody knows.
constexpr char const* settle_script = R"sh(
by=$(reverting) || exit 2
[ -n "$by" ] || exit 1
[ -n "$remote" ] || exit 0
ask_remote
[ "$there_code" = 0 ] || [ "$there_code" = 2 ] || exit 2
[ "$there" = "$by" ] && exit 0
[ -n "$there" ] && g merge-base --is-ancestor "$by" "$there" 2>/dev/null && exit 0
exit 1
)sh";

Command command(StepJob const& job, std::string const& script) {
    Command out;
    auto const whole = std::string(git_prelude) + common_script + script;
    out.argv = script_argv(
        "git_revert", whole.c_str(), {job.text("repo"), job.text("commit"), job.text("push")}
    );
    return out;
}

asio::awaitable<StepOutcome> run(StepJob& job) {
    auto const end = co_await job.process("git", command(job, act_script));
    co_return job.outcome(end);
}

asio::awaitable<std::optional<std::string>> preflight(StepJob& job) {
    auto const end = co_await job.ask(command(job, preflight_script));
    co_return objection(job, end);
}

asio::awaitable<StepOutcome> settle(StepJob& job) {
    auto const end = co_await job.ask(command(job, settle_script));
    co_return settled(end);
}

std::string dry_run(Step const& step) {
    auto const params = Json(step.params);
    auto const push = text_of(params, "push", "false");
    auto out = "revert " + text_of(params, "commit") + " in " + text_of(params, "repo");
    if (push != "false" && !push.empty()) out += " and push it";
    return out;
}

}  // namespace

StepType git_revert_step() {
    return {
        .info = git_revert_info(),
        .run = run,
        .dry_run = dry_run,
        .preflight = preflight,
        .settle = settle,
    };
}

}  // namespace rollbackd

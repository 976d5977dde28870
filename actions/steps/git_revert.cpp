// git_revert: a commit that undoes others, pushed where that is asked for.
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
        "Commits the inverse of a commit, or of a range in one commit (of a merge: against its "
        "first parent), and pushes it. A conflict or a refused push leaves the work tree and the "
        "branch as they were; that it applies cleanly is tried out beforehand in a scratch copy.";
    info.fields = {
        {.name = "repo", .type = FieldType::path, .doc = "The work tree.", .required = true},
        {.name = "commit",
         .type = FieldType::text,
         .doc = "What to revert. FROM..TO: everything after FROM up to TO, along first parents.",
         .required = true},
        {.name = "push",
         .type = FieldType::text,
         .doc = "true (to the branch's upstream), REMOTE, or REMOTE/BRANCH; default: no push.",
         .otherwise = "false"},
    };
    info.edits = true;
    info.runs_process = true;
    return info;
}

// After git_prelude; $1 repo, $2 commit, $3 push. Sets commit (the newest), commits (newest first),
// branch, remote, remote_branch.
constexpr char const* common_script = R"sh(
wanted=$2 from=''
case $wanted in
    *..*)
        from=$(resolve "${wanted%%..*}") || exit 10
        commit=$(resolve "${wanted#*..}") || exit 10
        if ! g merge-base --is-ancestor "$from" "$commit"; then
            echo "$wanted is no range: $from is not part of $commit" >&2
            exit 10
        fi
        commits=$(g rev-list --first-parent "$from..$commit") || exit 10
        if [ -z "$commits" ]; then
            echo "$wanted is empty: nothing to revert" >&2
            exit 10
        fi ;;
    *) commit=$(resolve "$wanted") || exit 10; commits=$commit ;;
esac
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
# Whether commit $1 says that it reverts all that is wanted.
reverts_all() {
    message=$(g log --format=%B -n 1 "$1") || return 2
    for one in $commits; do
        case $message in *"This reverts commit $one"*) ;; *) return 1 ;; esac
    done
}
# The newest commit since then that does; empty: none.
reverting() {
    by=$(g log --format=%H --fixed-strings --grep="This reverts commit $commit" -n 1 "$commit..HEAD") ||
        return 1
    [ -n "$by" ] && reverts_all "$by" && echo "$by"
    return 0
}
check_part() {
    g merge-base --is-ancestor "$commit" HEAD && return
    echo "$commit is not part of HEAD: nothing to revert" >&2
    return 1
}
# The repository's own identity wins.
identity() {
    [ "$tree" = "$repo" ] && g config user.email >/dev/null ||
        printf '%s' '-c user.name=rollbackd -c user.email=rollbackd@localhost'
}
# In work tree $1; says what conflicts.
revert_in() {
    tree=$1
    in_tree() {
        as_owner git -c safe.directory="$tree" -c core.hooksPath=/dev/null -c core.fsmonitor=false \
            $(identity) -c commit.gpgSign=false -C "$tree" "$@"
    }
    for one in $commits; do
        mainline=''
        [ "$(g rev-list --parents -n 1 "$one" | wc -w)" -gt 2 ] && mainline='-m 1'
        if [ -z "$from" ]; then
            in_tree revert --no-edit $mainline "$one" >&2 && continue
        else
            in_tree revert --no-commit $mainline "$one" >&2 && continue
        fi
        conflicts=$(in_tree diff --name-only --diff-filter=U | head -n 20)
        [ -z "$conflicts" ] || printf 'conflicts in:\n%s\n' "$conflicts" >&2
        return 1
    done
    [ -n "$from" ] || return 0
    in_tree commit --quiet --no-verify -m "Revert $wanted" \
        -m "$(for one in $commits; do echo "This reverts commit $one."; done)" >&2
}
# Sets there, and there_code: 0 the branch is there, 2 it is not, else the remote did not answer.
ask_remote() {
    there=$(g ls-remote --exit-code "$remote" "refs/heads/$remote_branch")
    there_code=$?
    there=$(printf '%s' "$there" | cut -f1)
}
)sh";

// The tree was clean, so going back loses nothing but the revert. What a crash left committed and
// not pushed is not reverted a second time.
constexpr char const* act_script = R"sh(
refuse_changes || exit 10
check_part || exit 10
old=$(g rev-parse HEAD)
go_back() {
    g revert --quit >/dev/null 2>&1
    g reset --quiet --hard "$old" && [ "$(g rev-parse HEAD)" = "$old" ] ||
        echo "$repo: could not go back to $old" >&2
}
if ! reverts_all "$old" && ! revert_in "$repo"; then
    go_back
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
echo "reverted $wanted by $new${remote:+, pushed to $remote/$remote_branch}"
)sh";

// A scratch copy shares the objects and has no files but those that conflict. Where none can be
// made, nobody knows, which is no objection.
constexpr char const* preflight_script = R"sh(
refuse_changes || exit 10
check_part || exit 10
reverts_all HEAD && exit 0
scratch=$(as_owner mktemp -d) || exit 0
trap 'as_owner rm -rf -- "$scratch"' EXIT
head=$(g rev-parse HEAD)
as_owner git -c safe.directory="$repo" clone --quiet --shared --no-checkout -- "$repo" "$scratch/copy" >&2 &&
    as_owner git -C "$scratch/copy" sparse-checkout set --no-cone /nothing >&2 &&
    as_owner git -C "$scratch/copy" checkout --quiet --detach "$head" >&2 || exit 0
revert_in "$scratch/copy" || { echo "the revert does not apply" >&2; exit 11; }
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
    auto const push = text_of(params, "push", "false");
    auto out = "revert " + text_of(params, "commit") + " in " + text_of(params, "repo");
    if (push != "false" && !push.empty()) out += " and push it";
    return out;
}

Effect effect(Step const& step) { return brings_files(step, {"repo"}); }

}  // namespace

StepType git_revert_step() {
    return {
        .info = git_revert_info(),
        .run = run,
        .dry_run = dry_run,
        .preflight = preflight,
        .settle = settle,
        .effect = effect,
    };
}

}  // namespace rollbackd

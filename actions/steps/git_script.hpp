// The part both git steps share: POSIX shell, its values are positional parameters.
#pragma once

namespace rollbackd {

/// $1 repo. Defines repo, g (git in it), as_owner, resolve COMMIT and refuse_changes.
/// The repository may be another user's: git is told per call that this is meant, and as root
/// everything is done as its owner, so that no file of it changes hands. Its hooks and its file
/// system monitor are programs of that user's; the policy did not name them, so they do not run.
inline constexpr char const* git_prelude = R"sh(
export GIT_TERMINAL_PROMPT=0 GIT_EDITOR=true GIT_PAGER=cat LC_ALL=C
export GIT_SSH_COMMAND="${GIT_SSH_COMMAND:-ssh -o BatchMode=yes -o ConnectTimeout=10}"
command -v git >/dev/null || { echo "git is not installed there" >&2; exit 69; }
case $1 in -*) echo "not a folder: $1" >&2; exit 10 ;; esac
repo=$(cd -P -- "$1" 2>/dev/null && pwd -P) || { echo "$1: no such folder" >&2; exit 10; }
# A tree its group may write stays one.
case $(stat -c %A -- "$repo") in ?????w*) umask 002 ;; esac
as_owner() { "$@"; }
owner=$(stat -c %u -- "$repo")
if [ "$(id -u)" = 0 ] && [ "$owner" != 0 ]; then
    if group=$(id -g "$owner" 2>/dev/null); then
        groups=--init-groups
    else
        group=$(stat -c %g -- "$repo") groups=--clear-groups
    fi
    home=$(getent passwd "$owner" | cut -d: -f6)
    as_owner() {
        HOME=${home:-/} setpriv --reuid="$owner" --regid="$group" $groups -- "$@"
    }
fi
g() {
    as_owner git -c safe.directory="$repo" -c core.hooksPath=/dev/null -c core.fsmonitor=false \
        -C "$repo" "$@"
}
top=$(g rev-parse --show-toplevel) || exit 10
[ "$top" = "$repo" ] || { echo "$repo: not the top of a work tree; that is $top" >&2; exit 10; }
resolve() {
    g rev-parse --verify --quiet --end-of-options "$1^{commit}" && return
    echo "$repo has no commit $1; fetch it first" >&2
    return 1
}
refuse_changes() {
    changes=$(g status --porcelain --untracked-files=no) || return 1
    [ -n "$changes" ] || return 0
    echo "$repo has changes that are not committed; commit or remove them:" >&2
    printf '%s\n' "$changes" | head -n 20 >&2
    return 1
}
)sh";

}  // namespace rollbackd

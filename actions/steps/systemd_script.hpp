// What the systemd step asks of systemctl: POSIX shell, its values are positional parameters. Apart
// from the step so that a test can run it beside a systemctl of its own.
#pragma once

namespace rollbackd {

/// $1 unit, $2 verb. Exit 0: the unit is in the state the verb is meant to bring about. A unit that
/// runs to its end and is not to remain has done its work when it is gone.
inline constexpr char const* systemd_act = R"sh(
unit=$1 verb=$2
ctl() { systemctl --no-ask-password "$@"; }
show() { ctl show --property="$1" --value -- "$unit"; }
tell() { ctl --no-pager --lines=15 status -- "$unit" >&2; }
load=$(show LoadState) || { echo "systemd does not answer" >&2; exit 68; }
[ "$load" = loaded ] || { echo "$unit: no such unit here ($load)" >&2; exit 10; }
before=$(show InvocationID)
ctl "$verb" -- "$unit" || { code=$?; tell; exit "$code"; }
while :; do
    state=$(show ActiveState)
    [ "$(show SubState)" = auto-restart ] && break
    case $state in activating|deactivating|reloading|maintenance) sleep 0.1 ;; *) break ;; esac
done
after=$(show InvocationID)
case $verb:$state in
    stop:inactive|stop:failed) echo "$unit is $state"; exit 0 ;;
    restart:active)
        [ "$after" != "$before" ] && { echo "$unit is active, started anew"; exit 0; }
        echo "$unit was not started anew" >&2 ;;
    start:active|reload:active) echo "$unit is active"; exit 0 ;;
    restart:inactive|start:inactive)
        if [ "$(show Type)" = oneshot ] && [ "$(show Result)" = success ]; then
            echo "$unit has run"
            exit 0
        fi ;;
esac
echo "$unit is $state after $verb" >&2
tell
exit 11
)sh";

/// $1 unit. Exit 0: there is such a unit.
inline constexpr char const* systemd_loaded = R"sh(
load=$(systemctl show --property=LoadState --value -- "$1") || {
    echo "systemd does not answer" >&2
    exit 68
}
[ "$load" = loaded ] || { echo "$1: no such unit here ($load)" >&2; exit 10; }
)sh";

/// $1 unit, $2 verb. 0: in the state it is meant to be in; 1: it is not; else nobody knows.
inline constexpr char const* systemd_settle = R"sh(
state=$(systemctl show --property=ActiveState --value -- "$1") || exit 2
case $2:$state in
    start:active|stop:inactive|stop:failed) exit 0 ;;
    start:*|stop:*) exit 1 ;;
esac
exit 2
)sh";

}  // namespace rollbackd

// What the compose step asks of the engine about the containers it was to bring into a state:
// POSIX shell, its values are positional parameters.
#pragma once

namespace rollbackd {

/// $1 docker, $2 up or stopped, $3 seconds it may take, $4 seconds one without a health check must
/// have been running, $5 how many at least; then the containers' ids. Exit 0: they are in it; 75:
/// nobody can tell. A container that was to do something and go (exit 0, not to be restarted) has
/// done it.
inline constexpr char const* compose_effect = R"sh(
export LC_ALL=C
docker=$1 wanted=$2 patience=$3 steady=$4 least=$5
shift 5
[ $# -ge "$least" ] || { echo "$# containers are there; $least are wanted" >&2; exit 11; }
[ $# -gt 0 ] || exit 0
began=$(date +%s)
form='{{.Name}} {{.State.Status}} {{.State.ExitCode}} {{if .HostConfig.RestartPolicy.Name}}{{.HostConfig.RestartPolicy.Name}}{{else}}no{{end}} {{.State.StartedAt}} {{if .State.Health}}{{.State.Health.Status}}{{else}}-{{end}}'
tell() {
    echo "$1" >&2
    "$docker" logs --tail 15 "$2" >&2 2>&1
    exit 11
}
while :; do
    states=$("$docker" inspect --format "$form" "$@") || { echo "the containers cannot be looked at" >&2; exit 75; }
    now=$(date +%s)
    waiting='' which=''
    while read -r name status code policy started health; do
        name=${name#/}
        case $wanted:$status in
            stopped:running|stopped:restarting|stopped:paused) waiting="$name is $status" which=$name ;;
            stopped:*) ;;
            up:running)
                case $health in
                    healthy) ;;
                    -) [ $((now - $(date -d "$started" +%s))) -ge "$steady" ] || waiting="$name has just been started" which=$name ;;
                    *) waiting="$name is $health" which=$name ;;
                esac ;;
            up:exited)
                case $code:$policy in
                    0:no|0:on-failure*) ;;
                    *:always|*:unless-stopped) waiting="$name has ended with $code" which=$name ;;
                    *) tell "$name has ended with $code" "$name" ;;
                esac ;;
            *) waiting="$name is $status" which=$name ;;
        esac
    done <<STATES
$states
STATES
    [ -n "$waiting" ] || break
    [ $((now - began)) -lt "$patience" ] || tell "$waiting after ${patience}s" "$which"
    sleep 0.3
done
printf '%s\n' "$states" | while read -r name status code policy started health; do
    case $health in -) health='' ;; esac
    printf '%s is %s%s\n' "${name#/}" "$status" "${health:+, $health}"
done
)sh";

}  // namespace rollbackd

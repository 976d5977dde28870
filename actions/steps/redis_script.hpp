// What the redis step asks of redis-cli: POSIX shell, its values are positional parameters, the
// password and the value come on standard input.
#pragma once

namespace rollbackd {

/// $1 host or socket, $2 port (none: a socket), $3 user, $4 database, $5 tls, $6 CA file. Standard
/// input: the password's line, then the value. Defines cli …; the server's own error fails it.
inline constexpr char const* redis_prelude = R"sh(
export LC_ALL=C
umask 077
IFS= read -r password
[ -z "$password" ] || export REDISCLI_AUTH="$password"
command -v redis-cli >/dev/null || { echo "redis-cli is not installed; Debian has it in redis-tools" >&2; exit 69; }
where=$1 port=$2 user=$3 number=$4 tls=$5 ca=$6
shift 6
cli() {
    [ -z "$user" ] || set -- --user "$user" "$@"
    [ -z "$ca" ] || set -- --cacert "$ca" "$@"
    [ "$tls" != true ] || set -- --tls "$@"
    if [ -n "$port" ]; then set -- -h "$where" -p "$port" "$@"; else set -- -s "$where" "$@"; fi
    redis-cli --no-auth-warning -e -n "$number" "$@"
}
answer=$(cli PING </dev/null 2>&1)
[ "$answer" = PONG ] || { echo "Redis at $where: ${answer:-does not answer}" >&2; exit 68; }
)sh";

/// $1 key. The value is what is left of standard input, to its last byte.
inline constexpr char const* redis_set = R"sh(
answer=$(cli -x SET "$1" 2>&1)
[ "$answer" = OK ] || { echo "SET $1: $answer" >&2; exit 11; }
echo "$1 is set"
)sh";

/// $1 key, or $2 pattern; $3 how many at most, $4 folder for what is deleted, $5 id. Each key is
/// taken away first, under a name nobody reads, then kept as a file, and only then deleted: what is
/// put in meanwhile is not lost.
inline constexpr char const* redis_delete = R"sh(
key=$1 pattern=$2 most=$3 keep=$4 id=$5
[ -d "$keep" ] && [ -w "$keep" ] || { echo "$keep: no folder that $(id -un) can write to" >&2; exit 10; }
keys=$(mktemp) && found=$(mktemp) || exit 10
trap 'rm -f -- "$keys" "$found"' EXIT
trap 'exit 143' TERM INT HUP
if [ -n "$key" ]; then
    printf '%s\n' "$key" >"$found"
else
    cli --scan --pattern "$pattern" </dev/null >"$found" || exit 11
fi
# What an earlier life took away and did not come to keep.
cli --scan --pattern "*.rollbackd.$id" </dev/null >"$keys" || exit 11
sed "s/\.rollbackd\.$id\$//" "$keys" >>"$found"
grep -v '\.rollbackd\.' "$found" | sort -u >"$keys"
count=$(wc -l <"$keys")
if [ "$count" -gt "$most" ]; then
    echo "$count keys match $pattern; at most $most are allowed, and none was touched" >&2
    exit 10
fi
stamp=$(date +%Y%m%d_%H%M%S)
folder=$keep/redis_${id}_$stamp
mkdir -p -- "$folder" || exit 10
done=0
while IFS= read -r key; do
    aside="$key.rollbackd.$id"
    [ "$(cli EXISTS "$aside" </dev/null)" = 1 ] || {
        answer=$(cli RENAME "$key" "$aside" </dev/null 2>&1)
        case $answer in
            OK) ;;
            *'no such key'*) continue ;;
            *) echo "$key: $answer" >&2; exit 11 ;;
        esac
    }
    done=$((done + 1))
    file=$folder/$done
    # redis-cli ends what it prints with a line break of its own.
    if cli --raw DUMP "$aside" </dev/null | head -c -1 >"$file.dump" && [ -s "$file.dump" ] &&
        printf '%s' "$key" >"$file.key" && sync -- "$file.dump" "$file.key"; then
        answer=$(cli UNLINK "$aside" </dev/null 2>&1)
        case $answer in 1|0) ;; *) echo "$key: $answer" >&2; exit 11 ;; esac
    else
        cli RENAMENX "$aside" "$key" </dev/null >/dev/null
        echo "$key: cannot be kept in $folder, so it was not deleted" >&2
        exit 11
    fi
done <"$keys"
sync -- "$folder"
echo "$done of $count keys are deleted, and kept in $folder" >&2
printf '%s\n' "$folder"
)sh";

}  // namespace rollbackd

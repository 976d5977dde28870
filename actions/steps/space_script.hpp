// What the steps that make room ask of a machine: POSIX shell, their values are positional
// parameters.
#pragma once

namespace rollbackd {

/// $1 folder for copies (none: nothing is kept), $2 how much of the end of each (0: all of it);
/// then the files. Only files that are there, are no links, and can be written to.
inline constexpr char const* truncate_ready = R"sh(
export LC_ALL=C
umask 077
keep=$1 tail=$2
shift 2
[ -z "$keep" ] || { [ -d "$keep" ] && [ -w "$keep" ]; } || { echo "$keep: no folder that $(id -un) can write to" >&2; exit 10; }
wanted=0
for file in "$@"; do
    [ -f "$file" ] && [ ! -L "$file" ] || { echo "$file: no file, or a link" >&2; exit 10; }
    [ -w "$file" ] && [ -r "$file" ] || { echo "$file: $(id -un) cannot read and write it" >&2; exit 10; }
    size=$(stat -c %s -- "$file") || exit 10
    [ "$tail" = 0 ] || [ "$size" -le "$tail" ] || size=$tail
    wanted=$((wanted + size))
done
if [ -n "$keep" ]; then
    measures=$(stat -f -c '%a %S' -- "$keep") || exit 10
    free=$((${measures% *} * ${measures#* }))
    # Logs shrink to a tenth and less; a quarter is what must be there.
    if [ $((wanted / 4)) -gt "$free" ]; then
        echo "$keep: $free bytes are free, too few for copies of $wanted; say tail: how much of the end is kept" >&2
        exit 73
    fi
fi
)sh";

/// The file stays the same one, so that whoever has it open goes on writing into it. What is
/// written while it is copied is copied too; only between the last look and the cut a line may be
/// lost.
inline constexpr char const* truncate_act = R"sh(
copy=''
trap '[ -z "$copy" ] || rm -f -- "$copy"' EXIT
trap 'exit 143' TERM INT HUP
stamp=$(date +%Y%m%d_%H%M%S)
blocks() { stat -c %b -- "$1"; }
for file in "$@"; do
    before=$(blocks "$file")
    kept=''
    if [ -n "$keep" ]; then
        name=$keep/$(basename -- "$file")_$stamp.gz
        copy=$(mktemp -- "$keep/.rollbackd.XXXXXXXX") || exit 10
        size=$(stat -c %s -- "$file")
        from=1
        [ "$tail" = 0 ] || [ "$size" -le "$tail" ] || from=$((size - tail + 1))
        head -c "$size" -- "$file" | tail -c "+$from" | gzip >"$copy" &&
            tail -c "+$((size + 1))" -- "$file" | gzip >>"$copy" &&
            [ "$(gzip -dc <"$copy" | wc -c)" -gt $((size - from)) ] && sync -- "$copy" || {
            echo "$file cannot be kept in $keep; it is as it was" >&2
            exit 11
        }
        mv -n -- "$copy" "$name" && [ ! -e "$copy" ] || { echo "$name is there already; $file is as it was" >&2; exit 11; }
        copy=''
        sync -- "$keep"
        kept=", kept as $name, sha256 $(sha256sum <"$name" | cut -c 1-64)"
        printf '%s\n' "$name"
    fi
    truncate -s 0 -- "$file" || exit 11
    echo "$file: $(((before - $(blocks "$file")) * 512)) bytes are free again$kept" >&2
done
)sh";

/// Which images there are, and which of them a container was made from, running or not.
inline constexpr char const* image_list = R"sh(
export LC_ALL=C
tool version >/dev/null 2>&1 || { tool version 2>&1 | tail -n 1 >&2; echo "the container engine does not answer" >&2; exit 68; }
printf 'now %s\n' "$(date +%s)"
containers=$(tool ps --all --quiet --no-trunc) || exit 11
for container in $containers; do
    tool inspect --format 'used {{.Image}}' "$container" || exit 11
done
images=$(tool image ls --quiet --no-trunc | sort -u) || exit 11
[ -z "$images" ] || tool image inspect --format 'image {{.Id}} {{.Size}} {{json .Created}}{{range .RepoTags}} {{.}}{{end}}' $images || exit 11
)sh";

/// $1 yes: the build cache too, $2 older than that; then images. Never forced, never a volume: what
/// is in use after all is left where it is.
inline constexpr char const* image_remove = R"sh(
export LC_ALL=C
cache=$1 older=$2
shift 2
gone=0 left=''
for image in "$@"; do
    if said=$(tool image rm -- "$image" 2>&1); then gone=$((gone + 1)); else left="$left; $image stays: $(printf '%s' "$said" | tail -n 1)"; fi
done
echo "$gone of $# images are gone$left"
[ "$cache" = true ] || exit 0
said=$(tool builder prune --force --filter "until=$older" 2>&1) || {
    printf '%s\n' "$said" | tail -n 3 >&2
    echo "the build cache cannot be pruned" >&2
    exit 11
}
printf 'build cache: %s\n' "$(printf '%s\n' "$said" | tail -n 1)"
)sh";

/// $1 how many good ones are wanted of each kind; then backups, the newest first. Prints those that
/// can be read through, kind by kind, until there are as many. What a name ends with is its kind.
inline constexpr char const* backup_readable = R"sh(
export LC_ALL=C
wanted=$1
shift
readable() {
    [ -f "$1" ] && [ -s "$1" ] || return 1
    case $1 in
        *.tar.gz|*.tgz|*.tar|*.tar.xz|*.tar.bz2) tar --list --file="$1" >/dev/null 2>&1 ;;
        *.gz) gzip -t -- "$1" 2>/dev/null && [ "$(gzip -dc -- "$1" | head -c 1 | wc -c)" = 1 ] ;;
        *.dump)
            [ "$(head -c 5 -- "$1")" = PGDMP ] || return 1
            command -v pg_restore >/dev/null || return 0
            pg_restore --file=/dev/null <"$1" 2>/dev/null ;;
        *.sql) tail -n 20 -- "$1" | grep -qi 'dump complete' ;;
        *) true ;;
    esac
}
found=0
for file in "$@"; do
    [ "$found" -lt "$wanted" ] || break
    readable "$file" || { echo "$file cannot be read through, and does not count" >&2; continue; }
    found=$((found + 1))
    printf '%s\n' "$file"
done
)sh";

/// Paths on standard input, a line each. What is gone already is gone.
inline constexpr char const* backup_remove = R"sh(
export LC_ALL=C
count=0
while IFS= read -r file; do
    [ -e "$file" ] || continue
    [ -f "$file" ] && [ ! -L "$file" ] && rm -f -- "$file" && [ ! -e "$file" ] || { echo "$file cannot be deleted" >&2; exit 11; }
    count=$((count + 1))
    printf '%s\n' "$file" >&2
done
echo "$count backups are deleted"
)sh";

}  // namespace rollbackd

// What the archive steps ask of tar: POSIX shell, their values are positional parameters.
#pragma once

namespace rollbackd {

/// $1 folder, $2 where archives are, $3 name, $4 label, $5 bytes to be left. Rights and space: an
/// archive is smaller than what is in it.
inline constexpr char const* archive_create_ready = R"sh(
export LC_ALL=C
umask 077
into=$2 name=$3 label=$4 keep=$5
folder=$(cd -P -- "$1" 2>/dev/null && pwd -P) || { echo "$1: no folder that $(id -un) can enter" >&2; exit 10; }
shift 5
[ -d "$into" ] && [ -w "$into" ] || { echo "$into: no folder that $(id -un) can write to" >&2; exit 10; }
for part in "$name" "$label"; do
    case $part in *[!A-Za-z0-9._-]*|[.-]*)
        echo "\"$part\" cannot be part of a file name here; letters, digits and ._- can" >&2
        exit 10 ;;
    esac
done
last=$(find "$into" -maxdepth 1 -type f -name "${name}_*.tar.gz" -printf '%T@ %s\n' |
    sort -n | tail -n 1 | cut -d ' ' -f 2)
if [ "${last:-0}" -gt 0 ]; then
    wanted=$((last * 3 / 2))
else
    wanted=$(du -sk -- "$folder" 2>/dev/null | cut -f 1)
    wanted=$((${wanted:-0} * 1024))
fi
measures=$(stat -f -c '%a %S' -- "$into") || exit 10
free=$((${measures% *} * ${measures#* }))
if [ $((wanted + keep)) -gt "$free" ]; then
    echo "$into: $free bytes are free; the archive may need $wanted, and $keep must be left" >&2
    exit 73
fi
)sh";

/// What follows are the patterns of what is left out.
inline constexpr char const* archive_create_act = R"sh(
find "$into" -maxdepth 1 -type f -name ".$name.????????.partial" -mmin +1440 -delete
partial=$(mktemp -- "$into/.$name.XXXXXXXX.partial") || exit 10
trap 'rm -f -- "$partial"' EXIT
trap 'exit 143' TERM INT HUP
count=$#
while [ "$count" -gt 0 ]; do
    set -- "$@" "--exclude=$1"
    shift
    count=$((count - 1))
done
# Exit 1: a file changed while it was read. What that one holds nobody knows.
tar --create --gzip --file="$partial" --directory="$folder" "$@" . || {
    echo "$folder cannot be archived whole; nothing was kept" >&2
    exit 11
}
files=$(tar --list --gzip --file="$partial" | wc -l) && gzip -t <"$partial" && [ "$files" -gt 1 ] || {
    echo "the archive cannot be read through, or is empty; nothing was kept" >&2
    exit 12
}
sync -- "$partial" || exit 11
archive=$into/${name}${label:+_$label}_$(date +%Y%m%d_%H%M%S).tar.gz
mv -n -- "$partial" "$archive" || exit 11
[ ! -e "$partial" ] || { echo "$archive is there already" >&2; exit 11; }
sync -- "$into"
echo "$files entries, $(stat -c %s -- "$archive") bytes, read through" >&2
printf '%s\n' "$archive"
)sh";

/// $1 folder, $2 id, $3 archive. Rights and space; the folder itself may be gone.
inline constexpr char const* archive_restore_ready = R"sh(
export LC_ALL=C
umask 022
parent=$(cd -P -- "$(dirname -- "$1")" 2>/dev/null && pwd -P) || { echo "$1: no such place" >&2; exit 10; }
folder=$parent/$(basename -- "$1")
new=$folder.new_$2 old=$folder.before_$2 archive=$3
[ "$parent" != "$folder" ] && [ "$folder" != / ] && [ ! -L "$folder" ] || {
    echo "$1: a link, or no folder that can be moved" >&2
    exit 10
}
[ ! -e "$folder" ] || [ -d "$folder" ] || { echo "$folder is no folder" >&2; exit 10; }
[ -w "$parent" ] || { echo "$parent: not writable for $(id -un)" >&2; exit 10; }
mountpoint -q -- "$folder" 2>/dev/null && { echo "$folder: something is mounted there" >&2; exit 10; }
)sh";

inline constexpr char const* archive_restore_readable = R"sh(
[ -f "$archive" ] && [ -r "$archive" ] || { echo "$archive: no file that $(id -un) can read" >&2; exit 20; }
[ -s "$archive" ] || { echo "$archive is empty" >&2; exit 20; }
measures=$(stat -f -c '%a %S' -- "$parent") || exit 10
free=$((${measures% *} * ${measures#* }))
size=$(stat -L -c %s -- "$archive")
if [ $((size * 2)) -gt "$free" ]; then
    echo "$parent: $free bytes are free, too few to unpack $archive of $size" >&2
    exit 73
fi
)sh";

/// $4 how many names of its paths are cut; then what must be in it, --, and what is carried over
/// from the folder as it is. Exit 20: this archive cannot be used, another may.
inline constexpr char const* archive_restore_unpack = R"sh(
strip=$4
shift 4
[ ! -e "$old" ] || { echo "$old is there already: this step has been done; move it away first" >&2; exit 10; }
rm -rf -- "$new" && mkdir -- "$new" || exit 10
trap 'code=$?; [ "$code" = 0 ] || rm -rf -- "$new"; exit "$code"' EXIT
trap 'exit 143' TERM INT HUP
useless() { echo "$archive: $1" >&2; exit 20; }
tar --extract --file="$archive" --directory="$new" --strip-components="$strip" --no-overwrite-dir ||
    useless "it cannot be unpacked"
[ -n "$(ls -A -- "$new")" ] || useless "it holds nothing"
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    [ -e "$new/$1" ] || useless "it has no $1"
    shift
done
[ $# = 0 ] || shift
if [ -d "$folder" ]; then
    chown --reference="$folder" -- "$new" && chmod --reference="$folder" -- "$new" || exit 11
fi
for name in "$@"; do
    case /$name/ in */../*|*//*) echo "$name: not a path inside the folder" >&2; exit 10 ;; esac
    [ -e "$folder/$name" ] || [ -L "$folder/$name" ] || continue
    mkdir -p -- "$(dirname -- "$new/$name")" && rm -rf -- "${new:?}/$name" &&
        cp -a -- "$folder/$name" "$new/$name" || { echo "$name cannot be carried over" >&2; exit 11; }
done
sync -f -- "$new"
echo "$archive is unpacked" >&2
)sh";

/// Two renames; between them there is no folder for a moment. What was there stays beside.
inline constexpr char const* archive_restore_swap = R"sh(
if [ ! -e "$new" ]; then
    [ -d "$old" ] && [ -d "$folder" ] && { echo "$old"; exit 0; }
    echo "$new is gone; nothing was swapped" >&2
    exit 11
fi
if [ -e "$folder" ]; then
    [ ! -e "$old" ] || { echo "$old is there already" >&2; exit 11; }
    mv -T -- "$folder" "$old" || exit 11
fi
mv -T -- "$new" "$folder" || {
    [ ! -e "$old" ] || mv -T -- "$old" "$folder"
    echo "$folder is as it was" >&2
    exit 11
}
sync -- "$parent"
if [ -e "$old" ]; then
    echo "$folder is what the archive holds; what it was is kept as $old" >&2
    echo "$old"
else
    echo "there was no $folder; now there is" >&2
fi
)sh";

/// 0 swapped, 1 not. A move that was cut off between its two renames is ended first: until then
/// there is no folder at all.
inline constexpr char const* archive_restore_settle = R"sh(
if [ ! -e "$folder" ] && [ -d "$new" ] && [ -d "$old" ]; then mv -T -- "$new" "$folder" || exit 2; fi
[ -e "$new" ] && exit 1
[ -d "$old" ] && [ -d "$folder" ] && exit 0
exit 1
)sh";

}  // namespace rollbackd

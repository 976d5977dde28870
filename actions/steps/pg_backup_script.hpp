// What the pg_backup step asks of pg_dump: POSIX shell after database_prelude, its values are
// positional parameters.
#pragma once

namespace rollbackd {

/// $1 folder, $2 name, $3 kind and label, $4 format, $5 bytes to be left. Tools, rights, space. The
/// newest of its forerunners is a better measure of what it will need than the database is.
inline constexpr char const* pg_backup_ready = R"sh(
need pg_dump pg_restore gzip
folder=$1 name=$2 word=$3 format=$4 keep=$5
[ -d "$folder" ] || { echo "$folder: no such folder; create it first" >&2; exit 10; }
[ -w "$folder" ] && [ -x "$folder" ] || { echo "$folder: not writable for $(id -un)" >&2; exit 10; }
database=$(ask_one 'SELECT current_database()') || exit 68
name=${name:-$database}
for part in "$name" "$word"; do
    case $part in *[!A-Za-z0-9._-]*|[.-]*)
        echo "\"$part\" cannot be part of a file name here; letters, digits and ._- can" >&2
        exit 10 ;;
    esac
done
size=$(ask_one 'SELECT pg_database_size(current_database())') || exit 68
last=$(find "$folder" -maxdepth 1 -type f -name "${name}_*" \( -name '*.dump' -o -name '*.sql.gz' \) \
    -printf '%T@ %s\n' | sort -n | tail -n 1 | cut -d ' ' -f 2)
wanted=$size
if [ "${last:-0}" -gt 0 ] && [ $((last * 3 / 2)) -lt "$size" ]; then wanted=$((last * 3 / 2)); fi
measures=$(stat -f -c '%a %S' -- "$folder") || exit 10
free=$((${measures% *} * ${measures#* }))
if [ $((wanted + keep)) -gt "$free" ]; then
    echo "$folder: $free bytes are free; the dump may need $wanted, and $keep must be left" >&2
    exit 73
fi
)sh";

/// Dumps into a file without a name anybody looks for, reads it through, and only then gives it its
/// own, never another's. The path is all that goes to standard output.
inline constexpr char const* pg_backup_act = R"sh(
# What a killed dump left; a day is longer than any dump takes.
find "$folder" -maxdepth 1 -type f -name ".$name.????????.partial" -mmin +1440 -delete
partial=$(mktemp -- "$folder/.$name.XXXXXXXX.partial") || exit 10
trap 'rm -f -- "$partial"' EXIT
trap 'exit 143' TERM INT HUP
stamp=$(date +%Y%m%d_%H%M%S)
case $format in
    plain)
        pg_dump -w --format=plain --compress=6 --file="$partial" </dev/null || exit 11
        gzip -t <"$partial" &&
            gzip -dc <"$partial" | tail -n 20 | grep -q '^-- PostgreSQL database dump complete' || {
            echo "the dump cannot be read through; nothing was kept" >&2
            exit 12
        }
        ending=.sql.gz ;;
    *)
        pg_dump -w --format=custom --file="$partial" </dev/null || exit 11
        pg_restore --file=/dev/null <"$partial" || {
            echo "the dump cannot be read through; nothing was kept" >&2
            exit 12
        }
        ending=.dump ;;
esac
sync -- "$partial" || exit 11
backup=$folder/$name${word:+_$word}_$stamp$ending
mv -n -- "$partial" "$backup" || exit 11
[ ! -e "$partial" ] || { echo "$backup is there already" >&2; exit 11; }
sync -- "$folder"
echo "$(stat -c %s -- "$backup") bytes, read through" >&2
printf '%s\n' "$backup"
)sh";

}  // namespace rollbackd

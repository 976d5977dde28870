// What the copy step asks of the machine a file comes from and of the one it goes to: POSIX shell,
// its values are positional parameters. The two run on their machines, copy_act on rollbackd's.
#pragma once

namespace rollbackd {

/// $1 file, $2 hash or look. Prints its size, its mode, and its SHA-256.
inline constexpr char const* copy_source = R"sh(
export LC_ALL=C
[ -f "$1" ] && [ -r "$1" ] || { echo "$1: no file that $(id -un) can read" >&2; exit 10; }
sum=-
[ "$2" = look ] || sum=$(sha256sum <"$1" | cut -c 1-64)
[ -n "$sum" ] || exit 11
echo "$(stat -L -c '%s %a' -- "$1") $sum"
)sh";

/// $1 to, $2 size, $3 sha256, $4 bytes to be left, $5 whether another file may be replaced. Prints
/// "same" where the file is there already; else there is a place and room for it.
inline constexpr char const* copy_place = R"sh(
export LC_ALL=C
to=$1 size=$2 sum=$3 keep=$4 replace=$5
folder=$(dirname -- "$to")
[ -d "$folder" ] && [ -w "$folder" ] || { echo "$folder: no folder that $(id -un) can write to" >&2; exit 10; }
command -v sha256sum >/dev/null || { echo "sha256sum is not installed" >&2; exit 69; }
if [ -e "$to" ] || [ -L "$to" ]; then
    [ -f "$to" ] && [ ! -L "$to" ] || { echo "$to is no file" >&2; exit 10; }
    if [ "$sum" != - ] && [ "$(sha256sum <"$to" | cut -c 1-64)" = "$sum" ]; then echo same; exit 0; fi
    # Only the hash can tell whether it is another one.
    [ "$replace" = true ] || [ "$sum" = - ] || { echo "$to is there already and is another; say replace: true" >&2; exit 10; }
fi
measures=$(stat -f -c '%a %S' -- "$folder") || exit 10
free=$((${measures% *} * ${measures#* }))
if [ $((size + keep)) -gt "$free" ]; then
    echo "$folder: $free bytes are free; the file needs $size, and $keep must be left" >&2
    exit 73
fi
echo room
)sh";

/// $1 to, $2 id. What comes on standard input, under a name nobody looks for.
inline constexpr char const* copy_take = R"sh(
umask 077
partial=$(dirname -- "$1")/.$(basename -- "$1").rollbackd_$2
cat >"$partial" && sync -- "$partial"
)sh";

/// $1 to, $2 id, $3 sha256, $4 mode. Named only if it is, byte for byte, what was sent; what was
/// there is kept beside it.
inline constexpr char const* copy_name = R"sh(
export LC_ALL=C
folder=$(dirname -- "$1")
partial=$folder/.$(basename -- "$1").rollbackd_$2
[ "$(sha256sum <"$partial" | cut -c 1-64)" = "$3" ] || {
    rm -f -- "$partial"
    echo "$1: what came is not what was sent; nothing was kept" >&2
    exit 12
}
chmod "$4" -- "$partial" || exit 11
if [ -e "$1" ]; then ln -- "$1" "$1.before_$2" || { [ -e "$1.before_$2" ] || exit 11; }; fi
mv -f -T -- "$partial" "$1" && sync -- "$folder"
)sh";

/// $1 to, $2 id: what a copy that was broken off has left.
inline constexpr char const* copy_drop = R"sh(
rm -f -- "$(dirname -- "$1")/.$(basename -- "$1").rollbackd_$2"
)sh";

/// $1 file, $2 to. Before it stand functions that carry the above out on their machines.
inline constexpr char const* copy_act = R"sh(
export LC_ALL=C
file=$1 to=$2 partial=''
trap 'code=$?; [ -z "$partial" ] || drop </dev/null; exit "$code"' EXIT
trap 'exit 143' TERM INT HUP
measured=$(source_hash </dev/null) || { echo "$file cannot be read" >&2; exit 10; }
read -r size mode sum <<SAID
$measured
SAID
case $size:$mode:$sum in *[!0-9a-f:]*|*::*|:*) echo "$file: \"$measured\" says nothing" >&2; exit 11 ;; esac
place=$(place_for "$size" "$sum" </dev/null) || exit 10
if [ "$place" != same ]; then
    partial=yes
    # What came is measured afterwards, so that a torn pipe cannot pass for a short file.
    source_read </dev/null | take || {
        echo "$file could not be sent whole; there is no $to of ours" >&2
        exit 11
    }
    name_it "$sum" "$mode" </dev/null
    case $? in
        0) partial='' ;;
        255) partial='' && echo "the connection was lost while $to got its name" >&2; exit 75 ;;
        *) exit 11 ;;
    esac
fi
[ "$place" = same ] && echo "$to is there already" >&2
echo "$size bytes, sha256 $sum on both sides" >&2
printf '%s\n' "$to"
)sh";

/// 0 both are the same, 1 they are not. Functions as above.
inline constexpr char const* copy_settle = R"sh(
measured=$(source_hash </dev/null) || exit 2
place=$(place_for ${measured%% *} ${measured##* } </dev/null)
case $?:$place in 0:same) exit 0 ;; 255:*) exit 2 ;; esac
drop </dev/null
exit 1
)sh";

}  // namespace rollbackd

// One include file of nginx, replaced and brought into effect: what safe_mode and route share.
// POSIX shell, its values are positional parameters, the new content comes on standard input.
#pragma once

namespace rollbackd {

/// $1 file; then how nginx is called. The file may be absent, its folder may not.
inline constexpr char const* nginx_prelude = R"sh(
export LC_ALL=C
file=$(readlink -f -- "$1") || { echo "$1: its folder is not there" >&2; exit 10; }
shift
folder=$(dirname -- "$file")
[ -d "$folder" ] && [ -w "$folder" ] || { echo "$folder: no folder that $(id -un) can write to" >&2; exit 10; }
[ ! -e "$file" ] || [ -f "$file" ] || { echo "$file is no file" >&2; exit 10; }
command -v -- "$1" >/dev/null || { echo "$1 is not installed" >&2; exit 69; }
)sh";

/// That nginx takes its configuration as it is, and that the file is a part of it: else replacing
/// it would have no effect.
inline constexpr char const* nginx_ready = R"sh(
said=$("$@" -T 2>&1) || { printf '%s\n' "$said" | grep -E 'emerg|error' >&2; exit 10; }
named=no
while IFS= read -r line; do
    case $line in '# configuration file '*) ;; *) continue ;; esac
    part=${line#\# configuration file }
    part=${part%:}
    [ "$(readlink -f -- "$part")" = "$file" ] && named=yes
done <<SAID
$said
SAID
# In a container the same file has another name.
case $1 in nginx|*/nginx) ;; *) named=yes ;; esac
if [ "$named" = no ] && [ -e "$file" ]; then
    echo "$file is in no part of nginx's configuration; include it" >&2
    exit 10
fi
)sh";

/// Replaced whole; tested by nginx itself, and as it was again if nginx refuses it; then reloaded.
inline constexpr char const* nginx_act = R"sh(
new=$(mktemp -- "$folder/.rollbackd.XXXXXXXX") && old=$(mktemp -- "$folder/.rollbackd.XXXXXXXX") || exit 10
trap 'rm -f -- "$new" "$old"' EXIT
trap 'exit 143' TERM INT HUP
cat >"$new" || exit 10
had=no
if [ -e "$file" ]; then
    had=yes
    cp --preserve=mode,ownership,timestamps -- "$file" "$old" || exit 10
    cp --attributes-only --preserve=mode,ownership -- "$file" "$new" || exit 10
else
    chmod 644 -- "$new"
fi
undo() {
    if [ "$had" = yes ]; then mv -f -- "$old" "$file"; else rm -f -- "$file"; fi
    sync -- "$folder"
}
sync -- "$new" && mv -f -- "$new" "$file" && sync -- "$folder" || exit 11
said=$("$@" -t 2>&1) || {
    undo
    printf '%s\n' "$said" >&2
    echo "nginx refuses it; $file is as it was" >&2
    exit 12
}
said=$("$@" -s reload 2>&1) || {
    undo
    printf '%s\n' "$said" >&2
    echo "nginx did not reload; $file is as it was" >&2
    exit 12
}
echo "$file is replaced, nginx has been told"
)sh";

/// $1 file, content on standard input: 0 it has that content, 1 it has not.
inline constexpr char const* nginx_same = R"sh(
cmp -s -- - "$1"
)sh";

}  // namespace rollbackd

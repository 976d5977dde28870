#include "actions/steps/file_script.hpp"

#include "core/record.hpp"

namespace rollbackd {

namespace {

constexpr std::size_t file_output_max = 2 * 1024 * 1024;  // above what the script lets pass

constexpr char const* read_script = R"sh(
[ -f "$1" ] || { echo "$1: no such file; create it first, with its owner and mode" >&2; exit 10; }
size=$(stat -L -c %s -- "$1") || exit 10
[ "$size" -le 1048576 ] || { echo "$1: larger than 1 MiB" >&2; exit 10; }
cat -- "$1"
)sh";

// What is replaced is made beside it first.
constexpr char const* place_script = R"sh(
folder=$(dirname -- "$(readlink -f -- "$1")")
[ ! -d "$folder" ] || [ -w "$folder" ] || { echo "$folder: no folder that $(id -un) can write to" >&2; exit 10; }
)sh";

// $1 file, $2 SHA-256 of what was read; the new content on stdin. Between reading and renaming
// somebody else may have edited it: then nothing is done. cp keeps silent where it may not give
// the copy away, so owner and mode are compared.
constexpr char const* write_script = R"sh(
file=$(readlink -f -- "$1") && [ -f "$file" ] || { echo "$1: no such file" >&2; exit 10; }
folder=$(dirname -- "$file")
new=$(mktemp -- "$folder/.rollbackd.XXXXXXXX") || exit 10
trap 'rm -f -- "$new"' EXIT
cat >"$new" || exit 10
cp --attributes-only --preserve=mode,ownership,xattr -- "$file" "$new" 2>/dev/null ||
    cp --attributes-only --preserve=mode,ownership -- "$file" "$new" || exit 10
if [ "$(stat -c %u:%g:%a -- "$new")" != "$(stat -c %u:%g:%a -- "$file")" ]; then
    owner=$(stat -c %U:%G -- "$file")
    echo "$file: $(id -un) cannot keep its owner, $owner; let steps run as that user or root" >&2
    exit 10
fi
sync -- "$new" || exit 10
now=$(sha256sum <"$file" | cut -c 1-64)
[ "$now" = "$2" ] || { echo "$file: changed by somebody else meanwhile" >&2; exit 11; }
mv -f -- "$new" "$file" || exit 10
sync -- "$folder"
exit 0
)sh";

}  // namespace

Command read_file_command(std::string const& name, std::string const& file) {
    Command out;
    out.argv = script_argv(name, read_script, {file});
    out.output_max = file_output_max;
    return out;
}

Command look_at_file_command(std::string const& name, std::string const& file) {
    auto out = read_file_command(name, file);
    auto const script = one_text(place_script, read_script);
    out.argv = script_argv(name, script.c_str(), {file});
    return out;
}

Command write_file_command(
    std::string const& name, std::string const& file, std::string_view read, std::string text
) {
    Command out;
    out.argv = script_argv(name, write_script, {file, sha256_hex(read)});
    out.input = std::move(text);
    return out;
}

}  // namespace rollbackd

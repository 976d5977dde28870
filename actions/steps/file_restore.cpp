// file_restore: a whole file as a kept copy has it.
#include "actions/steps/descriptor.hpp"
#include "actions/steps/words.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

TypeInfo file_restore_info() {
    TypeInfo info;
    info.name = "file_restore";
    info.doc =
        "Puts a kept copy in the place of a file, whole or not at all. Owner and mode stay as the "
        "file has them (where it is gone: as the copy has them).";
    info.fields = {
        {.name = "file",
         .type = FieldType::path,
         .doc = "The file: /srv/shop/.env.",
         .required = true},
        {.name = "from",
         .type = FieldType::path,
         .doc = "The copy: \"/var/backups/shop/{{ known_good.version }}.env\".",
         .required = true},
        {.name = "keep",
         .type = FieldType::path,
         .doc = "Where the file as it is now is kept; its folder must exist."},
    };
    info.idempotent = true;
    info.edits = true;
    info.runs_process = true;
    return info;
}

// $1 file, $2 copy, $3 where the present one is kept. Links are followed: what they name is meant.
constexpr char const* look_script = R"sh(
umask 077
from=$2 keep=$3
file=$(readlink -f -- "$1") || { echo "$1: its folder is not there" >&2; exit 10; }
folder=$(dirname -- "$file")
[ -f "$from" ] && [ -r "$from" ] || { echo "$from: no file that $(id -un) can read" >&2; exit 10; }
[ -s "$from" ] || { echo "$from is empty" >&2; exit 10; }
[ ! -e "$file" ] || [ -f "$file" ] || { echo "$file is no file" >&2; exit 10; }
for place in "$folder" ${keep:+"$(dirname -- "$keep")"}; do
    [ -d "$place" ] && [ -w "$place" ] || { echo "$place: no folder that $(id -un) can write to" >&2; exit 10; }
done
if [ -n "$keep" ] && [ -e "$keep" ] && ! cmp -s -- "$file" "$keep" && ! cmp -s -- "$file" "$from"; then
    echo "$keep is there already, and is another" >&2
    exit 10
fi
)sh";

constexpr char const* act_script = R"sh(
if cmp -s -- "$from" "$file"; then echo "$file is as $from already"; exit 0; fi
put() {
    new=$(mktemp -- "$(dirname -- "$2")/.rollbackd.XXXXXXXX") || exit 11
    trap 'rm -f -- "$new"' EXIT
    cat -- "$1" >"$new" || exit 11
    cp --attributes-only --preserve=mode,ownership,xattr -- "$3" "$new" 2>/dev/null ||
        cp --attributes-only --preserve=mode,ownership -- "$3" "$new" || exit 11
    if [ "$(stat -c %u:%g:%a -- "$new")" != "$(stat -L -c %u:%g:%a -- "$3")" ]; then
        echo "$2: $(id -un) cannot give it the owner $(stat -L -c %U:%G -- "$3")" >&2
        exit 10
    fi
    sync -- "$new" && mv -f -- "$new" "$2" && sync -- "$(dirname -- "$2")" || exit 11
}
like=$from
if [ -e "$file" ]; then
    like=$file
    [ -z "$keep" ] || put "$file" "$keep" "$file"
fi
put "$from" "$file" "$like"
cmp -s -- "$from" "$file" || { echo "$file is not as $from" >&2; exit 12; }
echo "$file is as $from"
)sh";

constexpr char const* settle_script = R"sh(
[ -r "$2" ] || exit 2
cmp -s -- "$2" "$1"
)sh";

Command command(StepJob const& job, std::string const& script) {
    Command out;
    out.argv = script_argv(
        "file_restore", script.c_str(), {job.text("file"), job.text("from"), job.text("keep")}
    );
    return out;
}

asio::awaitable<StepOutcome> run(StepJob& job) {
    auto const script = one_text(look_script, act_script);
    auto const end = co_await job.process("put", command(job, script));
    co_return job.outcome(end);
}

asio::awaitable<std::optional<Objection>> preflight(StepJob& job) {
    auto const end = co_await job.ask(command(job, look_script));
    co_return objection(job, end);
}

asio::awaitable<StepOutcome> settle(StepJob& job) {
    auto const end = co_await job.ask(command(job, settle_script));
    co_return settled(end);
}

std::string dry_run(Step const& step) {
    Json const params(step.params);
    auto const keep = text_of(params, "keep");
    return (keep.empty() ? "" : "keep " + text_of(params, "file") + " as " + keep + ", and ") +
           "put " + text_of(params, "from") + " in the place of " + text_of(params, "file");
}

Effect effect(Step const& step) { return brings_files(step, {"file", "keep"}); }

}  // namespace

StepType file_restore_step() {
    return {
        .info = file_restore_info(),
        .run = run,
        .dry_run = dry_run,
        .preflight = preflight,
        .settle = settle,
        .effect = effect,
    };
}

}  // namespace rollbackd

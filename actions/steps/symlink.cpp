// symlink: a release is switched by the link that names it.
#include "actions/steps/descriptor.hpp"
#include "actions/steps/words.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

TypeInfo symlink_info() {
    TypeInfo info;
    info.name = "symlink";
    info.doc =
        "Lets a link name another folder or file: the release that is served. At one moment it "
        "names the old one, at the next the new one. What it named before is what `save` keeps.";
    info.fields = {
        {.name = "link",
         .type = FieldType::path,
         .doc = "The link: /srv/shop/current.",
         .required = true},
        {.name = "to",
         .type = FieldType::text,
         .doc = "What it is to name, absolute or from the link's folder: "
                "\"releases/{{ known_good.version }}\".",
         .required = true},
    };
    info.idempotent = true;
    info.runs_process = true;
    return info;
}

// $1 link, $2 what it is to name.
constexpr char const* look_script = R"sh(
link=$1 to=$2
folder=$(dirname -- "$link")
[ -d "$folder" ] && [ -w "$folder" ] || { echo "$folder: no folder that $(id -un) can write to" >&2; exit 10; }
if [ -e "$link" ] && [ ! -L "$link" ]; then echo "$link is no link" >&2; exit 10; fi
case $to in /*) named=$to ;; *) named=$folder/$to ;; esac
[ -e "$named" ] || { echo "$named is not there" >&2; exit 10; }
if [ -d "$link" ] && [ ! -d "$named" ]; then echo "$named is no folder, and $link names one" >&2; exit 10; fi
if [ -d "$named" ] && [ -z "$(ls -A -- "$named")" ]; then echo "$named is empty" >&2; exit 10; fi
)sh";

constexpr char const* act_script = R"sh(
was=$(readlink -- "$link")
if [ "$was" = "$to" ]; then
    echo "$link names $to already" >&2
else
    new=$(mktemp -u -- "$folder/.rollbackd.XXXXXXXX") || exit 11
    trap 'rm -f -- "$new"' EXIT
    ln -s -- "$to" "$new" && mv -fT -- "$new" "$link" && sync -- "$folder" || exit 11
    [ "$(readlink -- "$link")" = "$to" ] || { echo "$link does not name $to" >&2; exit 12; }
    echo "$link names $to, it was ${was:-not there}" >&2
fi
echo "$was"
)sh";

constexpr char const* settle_script = R"sh([ "$(readlink -- "$1")" = "$2" ])sh";

Command command(StepJob const& job, std::string const& script) {
    Command out;
    out.argv = script_argv("symlink", script.c_str(), {job.text("link"), job.text("to")});
    return out;
}

asio::awaitable<StepOutcome> run(StepJob& job) {
    auto const script = one_text(look_script, act_script);
    auto const end = co_await job.process("switch", command(job, script));
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
    return "let " + text_of(params, "link") + " name " + text_of(params, "to");
}

Effect effect(Step const& step) { return brings_files(step, {"link"}); }

}  // namespace

StepType symlink_step() {
    return {
        .info = symlink_info(),
        .run = run,
        .dry_run = dry_run,
        .preflight = preflight,
        .settle = settle,
        .effect = effect,
    };
}

}  // namespace rollbackd

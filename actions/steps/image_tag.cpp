// image_tag: the name that compose starts from is given to another image: an older build.
#include "actions/steps/descriptor.hpp"
#include "actions/steps/words.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

TypeInfo image_tag_info() {
    TypeInfo info;
    info.name = "image_tag";
    info.doc =
        "Gives an image's name to another image: to the older build that compose shall start from "
        "with its next up. Containers go on with what they run. The id of the image that had the "
        "name before is what `save` keeps.";
    info.fields = {
        {.name = "image",
         .type = FieldType::text,
         .doc = "The name, as the compose file has it: shop-api:latest.",
         .required = true},
        {.name = "to",
         .type = FieldType::text,
         .doc = "The image that is to have it: \"shop-api:{{ known_good.version }}\", or an id.",
         .required = true},
        {.name = "keep",
         .type = FieldType::text,
         .doc = "A name under which the one that had it is kept: \"shop-api:{{ bad.version }}\". "
                "Without any it may lose its last name, and be pruned."},
        {.name = "docker",
         .type = FieldType::argv,
         .doc = "How the engine is called: [podman], [sudo, docker].",
         .otherwise = JsonArray{"docker"}},
        {.name = "env", .type = FieldType::text_map, .doc = "Added to its environment: DOCKER_HOST."
        },
    };
    info.idempotent = true;
    info.edits = true;
    info.runs_process = true;
    return info;
}

// $1 the name, $2 the image to have it, $3 the name for the one that has it. An engine that cannot
// be asked is not an image that is not there.
constexpr char const* look_script = R"sh(
name=$1 to=$2 keep=$3
id() { tool image inspect --format '{{.Id}}' "$1"; }
if ! wanted=$(id "$to" 2>/dev/null); then
    tool version >/dev/null || exit 68
    echo "$to: no such image; was it pruned?" >&2
    exit 67
fi
was=$(id "$name" 2>/dev/null)
if [ -n "$keep" ] && kept=$(id "$keep" 2>/dev/null) && [ "$was" != "$wanted" ] && [ "$kept" != "$was" ]; then
    echo "$keep is another image already" >&2
    exit 10
fi
)sh";

constexpr char const* act_script = R"sh(
if [ "$was" = "$wanted" ]; then
    echo "$name is $to already" >&2
else
    [ -z "$keep" ] || [ -z "$was" ] || tool tag "$was" "$keep" || exit 11
    tool tag "$wanted" "$name" || exit 11
    [ "$(id "$name")" = "$wanted" ] || { echo "$name is not $to" >&2; exit 12; }
    echo "$name is $to${was:+; it was $was}" >&2
fi
echo "$was"
)sh";

constexpr char const* settle_script = R"sh(
wanted=$(tool image inspect --format '{{.Id}}' "$2") || exit 2
[ "$(tool image inspect --format '{{.Id}}' "$1")" = "$wanted" ]
)sh";

Command command(StepJob const& job, std::string const& script) {
    Command out;
    auto const calls = shell_function("tool", job.list("docker"));
    out.argv = script_argv(
        "image_tag", one_text(calls, script).c_str(),
        {job.text("image"), job.text("to"), job.text("keep")}
    );
    out.env = job.map("env");
    return out;
}

asio::awaitable<StepOutcome> run(StepJob& job) {
    auto const script = one_text(look_script, act_script);
    auto const end = co_await job.process("tag", command(job, script));
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
    auto const image = text_of(params, "image");
    return (keep.empty() ? "" : "keep " + image + " as " + keep + ", and ") + "give the name " +
           image + " to " + text_of(params, "to");
}

}  // namespace

StepType image_tag_step() {
    return {
        .info = image_tag_info(),
        .run = run,
        .dry_run = dry_run,
        .preflight = preflight,
        .settle = settle,
        .effect = brings_images,
    };
}

}  // namespace rollbackd

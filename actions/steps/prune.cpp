// prune: images nobody uses and the build cache; never a volume, never what a rollback may need.
#include "actions/steps/descriptor.hpp"
#include "actions/steps/image_choice.hpp"
#include "actions/steps/space_script.hpp"
#include "actions/steps/words.hpp"
#include "core/io/ssh_client.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

using Words = std::vector<std::string>;

constexpr std::size_t listing_max = 2 * 1024 * 1024;
constexpr std::size_t removed_max = 500;

TypeInfo prune_info() {
    TypeInfo info;
    info.name = "prune";
    info.doc =
        "Deletes old images of a container engine and its build cache. Never a volume or "
        "container, never an image that a container was made from, that `keep` names, or that is "
        "among the newest of its name.";
    info.fields = {
        {.name = "images",
         .type = FieldType::choice,
         .doc = "dangling: those that lost their name to a newer build; unused: also named ones "
                "that no container was made from.",
         .otherwise = "dangling",
         .choices = {"none", "dangling", "unused"}},
        {.name = "keep",
         .type = FieldType::text_list,
         .doc = "Never these: shop, shop:v7, shop:*, \"shop:{{ known_good.version }}\", an id."},
        {.name = "keep_newest",
         .type = FieldType::integer,
         .doc = "So many of each name stay, whatever their age.",
         .otherwise = 3,
         .min = 1,
         .max = 100},
        {.name = "older_than",
         .type = FieldType::duration,
         .doc = "What was made since then stays, in the build cache too; default 24h.",
         .min = 0},
        {.name = "build_cache",
         .type = FieldType::boolean,
         .doc = "The build cache too.",
         .otherwise = true},
        {.name = "docker",
         .type = FieldType::argv,
         .doc = "How the engine is called: [podman], [sudo, docker].",
         .otherwise = JsonArray{"docker"}},
        {.name = "env", .type = FieldType::text_map, .doc = "Added to its environment: DOCKER_HOST."
        },
    };
    info.idempotent = true;
    info.runs_process = true;
    return info;
}

std::int64_t older_than_s(JsonObject const& params) {
    constexpr std::int64_t day = 24 * 3600;
    auto const* const value = params.if_contains("older_than");
    if (value == nullptr || !value->is_int64()) return day;
    return std::chrono::ceil<std::chrono::seconds>(Duration(value->get_int64())).count();
}

ImageRule rule_of(StepJob const& job) {
    ImageRule rule;
    rule.tagged = job.text("images") == "unused";
    rule.older_than_s = older_than_s(job.step().params);
    rule.newest = std::stoul(job.text("keep_newest"));
    rule.keep = job.list("keep");
    return rule;
}

Command command(StepJob const& job, char const* script, Words const& values = {}) {
    auto const calls = shell_function("tool", job.list("docker"));
    Command out;
    out.argv = script_argv("prune", one_text(calls, script).c_str(), values);
    out.env = job.map("env");
    out.output_max = listing_max;
    return out;
}

Result<ImageChoice> chosen(StepJob const& job, SupervisedEnd const& end) {
    if (end.cut) return fail(Errc::too_large, "more images than can be read");
    return choose_images(end.stdout_text, rule_of(job));
}

asio::awaitable<StepOutcome> run(StepJob& job) {
    ImageChoice choice;
    bool const images = job.text("images") != "none";
    if (images) {
        auto const listed = co_await job.process("list", command(job, image_list));
        if (!listed.ok()) co_return job.outcome(listed);
        auto read = chosen(job, listed);
        if (!read) co_return outcome_of(OutcomeKind::failed, to_string(read.error()));
        choice = std::move(*read);
    }
    if (choice.gone.size() > removed_max) choice.gone.resize(removed_max);
    Words values{job.text("build_cache"), std::to_string(older_than_s(job.step().params)) + "s"};
    values.insert(values.end(), choice.gone.begin(), choice.gone.end());
    auto const end = co_await job.process("remove", command(job, image_remove, values));
    auto outcome = job.outcome(end);
    if (images) {
        outcome.text += "; " + std::to_string(choice.used) + " are in use, " +
                        std::to_string(choice.kept) + " are kept, " + std::to_string(choice.young) +
                        " are too young";
    }
    co_return outcome;
}

asio::awaitable<std::optional<Objection>> preflight(StepJob& job) {
    auto const end = co_await job.ask(command(job, image_list));
    auto said = objection(job, end);
    if (said || !end.ok()) co_return said;
    auto const choice = chosen(job, end);
    if (!choice) co_return never(to_string(choice.error()));
    co_return std::nullopt;
}

std::string dry_run(Step const& step) {
    Json const params(step.params);
    auto const images = text_of(params, "images");
    std::string text;
    if (images == "dangling") text = "delete images that lost their name";
    if (images == "unused") text = "delete images that no container was made from";
    auto const* const cache = find(params, "build_cache");
    if (cache != nullptr && cache->is_bool() && cache->get_bool()) {
        text += text.empty() ? "delete the build cache" : " and the build cache";
    }
    auto const* const list = find(params, "keep");
    auto const keep = list ? read_json<Words>(*list).value_or(Words{}) : Words{};
    auto const hours = older_than_s(step.params) / 3600;
    text += ", older than " + std::to_string(hours) + "h, never a volume";
    return keep.empty() ? text : text + ", never " + command_line(keep);
}

}  // namespace

StepType prune_step() {
    return {
        .info = prune_info(),
        .run = run,
        .dry_run = dry_run,
        .preflight = preflight,
        .effect = brings_space
    };
}

}  // namespace rollbackd

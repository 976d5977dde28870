// compose: one verb of Docker Compose, the plugin or the standalone program, and a look at what
// became of the containers.
#include "actions/steps/compose_script.hpp"
#include "actions/steps/descriptor.hpp"
#include "actions/steps/words.hpp"

#include <algorithm>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

using Words = std::vector<std::string>;

std::string verb_of(JsonObject const& params) { return text_of(Json(params), "do"); }

bool is_true(JsonObject const& params, std::string_view key) {
    auto const* const value = params.if_contains(key);
    return value != nullptr && value->is_bool() && value->get_bool();
}

bool destroys(JsonObject const& params) { return is_true(params, "volumes"); }

std::vector<Error> problems(JsonObject const& params) {
    auto const verb = verb_of(params);
    struct Rule {
        char const* key;
        std::vector<std::string> verbs;
    };
    static std::vector<Rule> const rules{
        {"recreate", {"up"}},  {"no_deps", {"up", "run"}},
        {"build", {"up"}},     {"no_cache", {"build"}},
        {"volumes", {"down"}}, {"count", {"scale"}},
        {"argv", {"run"}},     {"steady", {"up", "start", "restart", "scale"}},
    };
    auto const* const services = params.if_contains("services");
    std::size_t const named =
        services != nullptr && services->is_array() ? services->get_array().size() : 0;
    auto const wrong = [](char const* where, std::string what) {
        return std::vector<Error>{Error{Errc::invalid, std::move(what), where}};
    };
    for (auto const& rule : rules) {
        if (!params.contains(rule.key)) continue;
        auto const* const flag = params.if_contains(rule.key);
        if (flag->is_bool() && !flag->get_bool()) continue;
        if (std::count(rule.verbs.begin(), rule.verbs.end(), verb) == 0) {
            return wrong(rule.key, one_text(rule.key, " does not go with do: ", verb));
        }
    }
    if ((verb == "scale" || verb == "run") && named != 1) {
        return wrong("services", verb + " is of exactly one service");
    }
    if (verb == "scale" && !params.contains("count")) return wrong("count", "scale needs count");
    if (verb == "run" && !params.contains("argv")) return wrong("argv", "run needs argv");
    if (verb == "down" && named > 0) {
        return wrong("services", "down is of the whole project; stop is of services");
    }
    return {};
}

Field flag(char const* name, char const* doc) {
    return {.name = name, .type = FieldType::boolean, .doc = doc, .otherwise = false};
}

std::vector<Field> project_fields() {
    return {
        {.name = "do",
         .type = FieldType::choice,
         .doc = "What to do. An edited env or compose file takes effect with up, changed code with "
                "build and then up; restart starts the same containers again.",
         .required = true,
         .choices = {"build", "pull", "up", "down", "start", "stop", "restart", "scale", "run"}},
        {.name = "services", .type = FieldType::text_list, .doc = "Which; absent: all."},
        {.name = "cwd", .type = FieldType::path, .doc = "The project's folder.", .required = true},
        {.name = "files",
         .type = FieldType::text_list,
         .doc = "Compose files, where they are not the folder's own."},
        {.name = "project", .type = FieldType::text, .doc = "Its name, where it is another."},
        {.name = "command",
         .type = FieldType::argv,
         .doc = "How Compose is called: [docker, compose], or [docker-compose].",
         .otherwise = JsonArray{"docker", "compose"}},
        {.name = "docker",
         .type = FieldType::text,
         .doc = "The engine's own program, which is asked about the containers.",
         .otherwise = "docker"},
        {.name = "env",
         .type = FieldType::text_map,
         .doc = "Added to its environment: IMAGE_TAG, DOCKER_HOST."},
    };
}

TypeInfo compose_info() {
    TypeInfo info;
    info.name = "compose";
    info.doc =
        "One verb of Docker Compose. What was started must be running, healthy where it has a "
        "health check, else it has failed, with the last lines of its log.";
    info.fields = project_fields();
    std::vector<Field> more{
        flag("recreate", "With up: new containers also where nothing changed (--force-recreate)."),
        flag("no_deps", "With up and run: not the services these depend on."),
        flag("build", "With up: build images first."),
        flag("no_cache", "With build: from scratch."),
        flag("volumes", "With down: its volumes too, and what is in them is lost."),
        {.name = "count",
         .type = FieldType::integer,
         .doc = "With scale: how many containers of the service.",
         .min = 0,
         .max = 1000},
        {.name = "argv",
         .type = FieldType::argv,
         .doc = "With run: the command of a one-off container of the service."},
        {.name = "steady",
         .type = FieldType::duration,
         .doc = "How long one without a health check must have been running; default 2s.",
         .min = 0},
    };
    for (auto& field : more) info.fields.push_back(std::move(field));
    info.destroys = destroys;
    info.problems = problems;
    info.restarts = true;
    info.runs_process = true;
    return info;
}

/// What is sure of every call: how Compose is called, and for which project.
Command project(StepJob const& job) {
    Command command;
    command.argv = job.list("command");
    for (auto const& file : job.list("files")) {
        command.argv.insert(command.argv.end(), {"-f", file});
    }
    if (job.has("project")) command.argv.insert(command.argv.end(), {"-p", job.text("project")});
    command.cwd = job.text("cwd");
    command.env = job.map("env");
    return command;
}

void add(Words& words, Words const& more) { words.insert(words.end(), more.begin(), more.end()); }

Words verb_words(JsonObject const& params) {
    auto const verb = verb_of(params);
    if (verb == "scale") {
        return {"up", "-d", "--no-recreate"};
    }
    if (verb == "run") return {"run", "--rm", "-T"};
    if (verb == "up") return {"up", "-d"};
    return {verb};
}

/// The verb with its options and services; text for people too.
Words act_words(JsonObject const& params) {
    Json const all(params);
    auto const verb = verb_of(params);
    auto words = verb_words(params);
    auto const option = [&](char const* key, char const* word) {
        if (is_true(params, key)) words.emplace_back(word);
    };
    option("recreate", "--force-recreate");
    option("no_deps", "--no-deps");
    option("build", "--build");
    option("no_cache", "--no-cache");
    option("volumes", "--volumes");
    auto const services =
        read_json<Words>(find(all, "services") ? *find(all, "services") : Json(JsonArray{}))
            .value_or(Words{});
    if (verb == "scale" && !services.empty()) {
        auto const* const count = find(all, "count");
        words.emplace_back("--scale");
        words.push_back(services[0] + "=" + (count ? to_text(*count) : ""));
    }
    add(words, services);
    if (auto const* const argv = find(all, "argv"); verb == "run" && argv != nullptr) {
        add(words, read_json<Words>(*argv).value_or(Words{}));
    }
    return words;
}

/// up: what it started must run; stopped: what it ended must not; empty: nothing to look at.
std::string wanted_state(std::string const& verb) {
    if (verb == "up" || verb == "start" || verb == "restart" || verb == "scale") return "up";
    return verb == "stop" || verb == "down" ? "stopped" : "";
}

std::string seconds(Duration duration) {
    return std::to_string(std::chrono::ceil<std::chrono::seconds>(duration).count());
}

Command effect_command(StepJob const& job, Words const& containers, Duration patience) {
    auto const verb = job.text("do");
    constexpr Duration steady_standard = std::chrono::seconds(2);
    auto steady = steady_standard;
    if (auto const* const given = job.step().params.if_contains("steady"))
        steady = Duration(given->to_number<std::int64_t>());
    std::string least = verb == "up" || verb == "restart" || verb == "start" ? "1" : "0";
    if (verb == "scale") least = job.text("count");
    Words values{job.text("docker"), wanted_state(verb), seconds(patience), seconds(steady), least};
    add(values, containers);
    Command command;
    command.argv = script_argv("compose", compose_effect, values);
    command.env = job.map("env");
    return command;
}

/// Which containers the services have: also a question whether Compose, its files and the engine
/// work at all.
asio::awaitable<SupervisedEnd> list(StepJob& job) {
    auto command = project(job);
    add(command.argv, {"ps", "-q"});
    add(command.argv, job.list("services"));
    co_return co_await job.ask(std::move(command));
}

asio::awaitable<SupervisedEnd> effect(StepJob& job, Duration patience) {
    auto const listed = co_await list(job);
    if (!listed.ok()) co_return listed;
    auto const containers = lines_in(listed.stdout_text);
    co_return co_await job.ask(effect_command(job, containers, patience));
}

bool is_unclear(SupervisedEnd const& end) {
    return end.kind == EndKind::exited && end.exit == unknown_exit;
}

asio::awaitable<StepOutcome> run(StepJob& job) {
    auto command = project(job);
    add(command.argv, act_words(job.step().params));
    auto const end = co_await job.process("compose", std::move(command));
    auto outcome = job.outcome(end);
    if (!end.ok() || wanted_state(job.text("do")).empty()) co_return outcome;
    constexpr Duration reserve = std::chrono::seconds(2);  // to say why, before the timeout does
    auto seen = co_await effect(job, job.left() - std::min(reserve, job.left() / 2));
    // One that `up` has just replaced may still be listed, and be gone when it is looked at.
    constexpr int looks_max = 5;
    for (int looks = 1; looks < looks_max && is_unclear(seen); ++looks) {
        seen = co_await effect(job, job.left() - std::min(reserve, job.left() / 2));
    }
    auto looked = job.outcome(seen);
    // It was done; that nobody could look is not that it failed.
    bool const judged = seen.kind == EndKind::exited;
    if (!judged && looked.kind == OutcomeKind::failed) looked.kind = OutcomeKind::unknown;
    co_return looked;
}

asio::awaitable<std::optional<Objection>> preflight(StepJob& job) {
    auto const end = co_await list(job);
    co_return objection(job, end);
}

/// All but a one-off run may be done again; what was to be started or ended can be looked at.
asio::awaitable<StepOutcome> settle(StepJob& job) {
    auto const verb = job.text("do");
    if (verb == "run") {
        co_return outcome_of(
            OutcomeKind::unknown, "nothing can tell what the container did; give the step a check"
        );
    }
    bool const leaves_no_trace = verb == "build" || verb == "pull" || verb == "restart";
    bool const anew = is_true(job.step().params, "recreate") || verb == "up";
    if (leaves_no_trace || anew) {
        co_return outcome_of(OutcomeKind::failed, verb + " may be done again");
    }
    auto const end = co_await effect(job, Duration::zero());
    if (end.kind == EndKind::exited && end.exit == 11) {
        co_return outcome_of(OutcomeKind::failed, job.outcome(end).text);
    }
    co_return settled(end);
}

std::string dry_run(Step const& step) {
    Json const params(step.params);
    Words words;
    if (auto const* const command = find(params, "command"))
        words = read_json<Words>(*command).value_or(Words{});
    add(words, act_words(step.params));
    return "run " + command_line(words) + " in " + text_of(params, "cwd");
}

Effect effect(Step const& step) {
    auto const verb = text_of(Json(step.params), "do");
    if (verb == "run") return brings_anything(step);
    if (verb == "build" || verb == "pull") return brings_images(step);
    auto out = stops_or_starts(step, {"stop", "down"});
    out.brings.grounds.images = verb == "up";
    return out;
}

}  // namespace

StepType compose_step() {
    return {
        .info = compose_info(),
        .run = run,
        .dry_run = dry_run,
        .preflight = preflight,
        .settle = settle,
        .effect = effect,
    };
}

}  // namespace rollbackd

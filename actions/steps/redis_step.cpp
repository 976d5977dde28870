// redis: a key set, or keys deleted after they were kept.
#include "actions/steps/descriptor.hpp"
#include "actions/steps/redis_script.hpp"
#include "actions/steps/words.hpp"
#include "core/io/redis.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

std::string verb(JsonObject const& params) { return text_of(Json(params), "do"); }

bool destroys(JsonObject const& params) { return verb(params) == "delete"; }

std::vector<Error> problems(JsonObject const& params) {
    auto const wrong = [](char const* where, std::string what) {
        return std::vector<Error>{Error{Errc::invalid, std::move(what), where}};
    };
    bool const address_open = text_of(Json(params), "address").find("{{") != std::string::npos;
    auto const target = redis_address_of(params);
    if (!target && !address_open) {
        return wrong(target.error().where.c_str(), target.error().what);
    }
    bool const sets = verb(params) == "set";
    if (sets && params.contains("pattern")) return wrong("pattern", "set is of one key");
    if (sets != params.contains("value")) return wrong("value", "value goes with do: set");
    if (sets == params.contains("keep")) {
        return wrong(
            "keep", sets ? "keep goes with do: delete"
                         : "delete needs keep: the folder where what is deleted is kept"
        );
    }
    return {};
}

TypeInfo redis_info() {
    TypeInfo info;
    info.name = "redis";
    info.doc =
        "Sets a key of Redis, or deletes one (a queue) or those of a pattern, each taken away at "
        "once and kept as a file before it is deleted: redis-cli -x RESTORE KEY 0 < N.dump brings "
        "it back. The folder they are kept in is what `save` keeps.";
    info.fields = redis_connection_fields();
    std::vector<Field> more{
        {.name = "do",
         .type = FieldType::choice,
         .doc = "What to do.",
         .required = true,
         .choices = {"set", "delete"}},
        {.name = "key", .type = FieldType::text, .doc = "The key: a flag, a list, a stream."},
        {.name = "pattern",
         .type = FieldType::text,
         .doc = "Instead of key, with delete: all keys like this, bull:mail:*."},
        {.name = "value", .type = FieldType::text, .doc = "With set: the new value."},
        {.name = "most",
         .type = FieldType::integer,
         .doc = "With a pattern: more keys than this, and none is touched.",
         .otherwise = 1000,
         .min = 1,
         .max = 100'000},
        {.name = "keep",
         .type = FieldType::path,
         .doc = "With delete: the folder in which what is deleted gets a folder of its own."},
    };
    for (auto& field : more) info.fields.push_back(std::move(field));
    info.one_of = {{"key", "pattern"}};
    info.idempotent = true;
    info.destroys = destroys;
    info.problems = problems;
    info.runs_process = true;
    return info;
}

/// The prelude's values and its line of standard input; then what `values` and `input` add.
Result<Command> command(
    StepJob const& job, std::string const& script, std::vector<std::string> const& values,
    std::string const& input
) {
    auto const target = redis_target_of(job.step().params, job.parts().secrets);
    if (!target) return tl::unexpected<Error>(target.error());
    if (target->password.find('\n') != std::string::npos) {
        return fail(Errc::invalid, "a line break in the password");
    }
    auto const& dial = target->dial;
    bool const local = !dial.unix_path.empty();
    std::vector<std::string> all{
        local ? dial.unix_path : dial.host,
        local ? "" : std::to_string(dial.port),
        target->user,
        std::to_string(target->database),
        job.text("tls"),
        job.text("ca"),
    };
    all.insert(all.end(), values.begin(), values.end());
    Command out;
    out.argv = script_argv("redis", one_text(redis_prelude, script).c_str(), all);
    out.input = target->password + "\n" + input;
    return out;
}

Result<Command> act(StepJob const& job) {
    if (job.text("do") == "set") {
        return command(job, redis_set, {job.text("key")}, job.text("value"));
    }
    return command(
        job, redis_delete,
        {job.text("key"), job.text("pattern"), job.text("most"), job.text("keep"), job.id()}, ""
    );
}

asio::awaitable<StepOutcome> run(StepJob& job) {
    auto made = act(job);
    if (!made) co_return outcome_of(OutcomeKind::failed, to_string(made.error()));
    auto const end = co_await job.process("redis", std::move(*made));
    co_return job.outcome(end);
}

asio::awaitable<std::optional<Objection>> preflight(StepJob& job) {
    auto const* const look = R"sh(
[ -z "$1" ] || { [ -d "$1" ] && [ -w "$1" ]; } || { echo "$1: no folder that $(id -un) can write to" >&2; exit 10; }
)sh";
    auto made = command(job, look, {job.text("keep")}, "");
    if (!made) co_return about_files(job, to_string(made.error()));
    auto const end = co_await job.ask(std::move(*made));
    co_return objection(job, end);
}

std::string dry_run(Step const& step) {
    Json const params(step.params);
    auto const address = text_of(params, "address");
    auto const key = text_of(params, "key");
    if (verb(step.params) == "set") {
        return "set " + key + " to " + text_of(params, "value") + " in Redis at " + address;
    }
    auto const what = key.empty() ? "the keys like " + text_of(params, "pattern") : key;
    return "keep " + what + " of Redis at " + address + " in " + text_of(params, "keep") +
           ", and delete what was kept";
}

}  // namespace

StepType redis_step() {
    return {.info = redis_info(), .run = run, .dry_run = dry_run, .preflight = preflight};
}

}  // namespace rollbackd

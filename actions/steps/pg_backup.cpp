// pg_backup: a dump of the database as it is now, read through before it gets its name.
#include "actions/steps/database.hpp"
#include "actions/steps/descriptor.hpp"
#include "actions/steps/pg_backup_script.hpp"
#include "actions/steps/words.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

TypeInfo pg_backup_info() {
    TypeInfo info;
    info.name = "pg_backup";
    info.doc =
        "Dumps a PostgreSQL database into a new file NAME_KIND_LABEL_YYYYMMDD_HHMMSS (local time "
        "of the machine), space checked first, read through before it gets that name, never over "
        "another. Its path is what `save` keeps.";
    info.fields = database_fields();
    info.fields.push_back(
        {.name = "folder",
         .type = FieldType::path,
         .doc = "Where backups are kept; it must exist.",
         .required = true}
    );
    info.fields.push_back(
        {.name = "name",
         .type = FieldType::text,
         .doc = "How its name begins; default: the database's name."}
    );
    info.fields.push_back(
        {.name = "kind",
         .type = FieldType::choice,
         .doc = "What it is made for. Only scheduled and pre_deployment ones are ever chosen by "
                "a rule: the others may hold the damage.",
         .otherwise = "emergency",
         .choices =
             {"emergency", "scheduled", "pre_deployment", "post_rollback", "broken", "forensic"}}
    );
    info.fields.push_back(
        {.name = "label",
         .type = FieldType::text,
         .doc = "Put into the name too, \"{{ current.version }}\"."}
    );
    info.fields.push_back(
        {.name = "format",
         .type = FieldType::choice,
         .doc = "custom: .dump, for pg_restore; plain: .sql.gz, for psql.",
         .otherwise = "custom",
         .choices = {"custom", "plain"}}
    );
    info.fields.push_back(
        {.name = "keep_free",
         .type = FieldType::size,
         .doc = "Space that must be left on the disk afterwards."}
    );
    info.one_of = {database_alternatives()};
    info.idempotent = true;
    info.runs_process = true;
    return info;
}

/// The part of the name that says what it is; a scheduled one needs none.
std::string word_of(std::string const& kind) {
    if (kind == "scheduled") return "";
    return kind == "pre_deployment" ? "pre" : kind;
}

asio::awaitable<SupervisedEnd> carry_out(StepJob& job, bool only_look) {
    auto const connection = connection_of(job);
    if (!connection) {
        SupervisedEnd end;
        end.kind = EndKind::not_started;
        end.why = to_string(connection.error());
        co_return end;
    }
    auto word = word_of(job.text("kind"));
    if (job.has("label")) word += (word.empty() ? "" : "_") + job.text("label");
    std::vector<std::string> const values{
        job.text("folder"),
        job.text("name"),
        word,
        job.text("format"),
        job.has("keep_free") ? job.text("keep_free") : "0",
    };
    auto const script = one_text(pg_backup_ready, only_look ? "" : pg_backup_act);
    auto command = database_command("pg_backup", script, values, *connection);
    if (only_look) co_return co_await job.ask(std::move(command));
    co_return co_await job.process("dump", std::move(command));
}

asio::awaitable<StepOutcome> run(StepJob& job) {
    auto const end = co_await carry_out(job, false);
    co_return job.outcome(end);
}

asio::awaitable<std::optional<Objection>> preflight(StepJob& job) {
    auto const end = co_await carry_out(job, true);
    co_return objection(job, end);
}

std::string dry_run(Step const& step) {
    Json const params(step.params);
    auto const database = text_of(params, "database");
    auto name = text_of(params, "name");
    if (name.empty()) name = database.empty() ? "DATABASE" : database;
    auto const word = word_of(text_of(params, "kind"));
    auto const label = text_of(params, "label");
    auto const* const ending = text_of(params, "format") == "plain" ? ".sql.gz" : ".dump";
    return "dump " + (database.empty() ? "the connection's database" : database) + " into " +
           text_of(params, "folder") + "/" + name + (word.empty() ? "" : "_" + word) +
           (label.empty() ? "" : "_" + label) + "_YYYYMMDD_HHMMSS" + ending +
           ", and read it through";
}

}  // namespace

StepType pg_backup_step() {
    return {.info = pg_backup_info(), .run = run, .dry_run = dry_run, .preflight = preflight};
}

}  // namespace rollbackd

// pg_restore: a backup into a new database, which proves itself and only then takes the name.
#include "actions/steps/database.hpp"
#include "actions/steps/descriptor.hpp"
#include "actions/steps/pg_restore_script.hpp"
#include "actions/steps/restoring.hpp"
#include "actions/steps/words.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

std::vector<std::string> endings() {
    return {".dump", ".sql", ".sql.gz", ".dump.gz", ".pgdump", ".backup"};
}

TypeInfo pg_restore_info() {
    TypeInfo info;
    info.name = "pg_restore";
    info.doc =
        "Restores a PostgreSQL backup, plain (.sql, .sql.gz) or custom, told by its content, into "
        "a new database, checks it there, and then swaps the names in one transaction, ending all "
        "connections. The database as it was stays as NAME_before_RUN; that name is what `save` "
        "keeps, and {{ steps.SAVED.as_of }} of what moment the backup is.";
    info.fields = database_fields();
    for (auto& field : restoring_fields("backups")) info.fields.push_back(std::move(field));
    info.fields.push_back(
        {.name = "verify",
         .type = FieldType::text_list,
         .doc = "Questions that must be true in the restored database: SELECT count(*) > 100 "
                "FROM users.",
         .literal = true}
    );
    info.fields.push_back(
        {.name = "prepare",
         .type = FieldType::text_list,
         .doc = "Statements carried out in it before anybody sees it: a pause flag set again.",
         .literal = true}
    );
    info.fields.push_back(
        {.name = "values",
         .type = FieldType::text_map,
         .doc = "What :'name' and :\"name\" stand for in verify and prepare."}
    );
    info.fields.push_back(
        {.name = "tables",
         .type = FieldType::text_list,
         .doc = "Only these: their rows are replaced in one transaction, and taken back where a "
                "foreign key would not hold. Needs a superuser; no names are swapped."}
    );
    info.fields.push_back(
        {.name = "maintenance",
         .type = FieldType::text,
         .doc = "The database to be connected to meanwhile.",
         .otherwise = "postgres"}
    );
    info.one_of = {database_alternatives(), restoring_alternatives()};
    info.destructive = true;
    info.problems = restoring_problems;
    info.restores = true;
    info.runs_process = true;
    return info;
}

std::string query_of(std::string text) {
    while (!text.empty() && std::string_view("; \t\r\n").find(text.back()) != std::string_view::npos
    )
        text.pop_back();
    return text;
}

/// What psql is to ask and to do in the restored database.
std::string questions(StepJob const& job) {
    std::string text;
    for (auto const& [name, value] : job.map("values")) text += psql_set(name, value);
    std::size_t number = 0;
    for (auto const& query : job.list("verify")) {
        text += "SELECT coalesce((" + query_of(query) + "\n)::boolean, false) AS rollbackd_good " +
                "\\gset\n\\if :rollbackd_good\n\\else\n\\warn 'verify " + std::to_string(++number) +
                " is not true in it'\nDO 'BEGIN RAISE EXCEPTION ''not as expected''; END';\n" +
                "\\endif\n";
    }
    auto const statements = job.list("prepare");
    if (statements.empty()) return text;
    text += "\\warn 'rollbackd prepares'\nBEGIN;\n";
    for (auto const& statement : statements) text += query_of(statement) + "\n;\n";
    return text + "COMMIT;\n";
}

using Connection = std::map<std::string, std::string>;

Command command(
    StepJob const& job, Connection const& connection, std::string const& script,
    std::string const& backup = {}, std::string const& text = {}
) {
    std::vector<std::string> values{job.text("maintenance"), job.id(), backup};
    for (auto& table : job.list("tables")) values.push_back(std::move(table));
    return database_command(
        "pg_restore", one_text(pg_restore_names, script), values, connection, text
    );
}

asio::awaitable<StepOutcome> copy_tables(
    StepJob& job, Connection const& connection, std::string before
) {
    std::string names;
    for (auto const& table : job.list("tables")) names += (names.empty() ? "" : "\n") + table;
    auto copy = command(job, connection, pg_restore_tables, {}, psql_set("tables", names));
    auto const end = co_await job.process("tables", std::move(copy));
    auto outcome = job.outcome(end);
    outcome.text = before + "; " + outcome.text;
    co_return outcome;
}

asio::awaitable<StepOutcome> swap(StepJob& job, Connection const& connection, std::string before) {
    auto const end = co_await job.process("swap", command(job, connection, pg_restore_swap));
    auto outcome = job.outcome(end);
    outcome.text = before + (before.empty() ? "" : "; ") + outcome.text;
    co_return outcome;
}

asio::awaitable<StepOutcome> run(StepJob& job) {
    auto const connection = connection_of(job);
    if (!connection) co_return outcome_of(OutcomeKind::failed, to_string(connection.error()));
    auto const text = questions(job);
    std::function<Command(std::string const&)> const restore = [&](std::string const& backup) {
        auto const script = one_text(pg_restore_ready, pg_restore_readable, pg_restore_act);
        return command(job, *connection, script, backup, text);
    };
    auto restored = co_await restore_first_usable(job, endings(), restore);
    if (restored.end) co_return std::move(*restored.end);
    if (job.has("tables")) {
        co_return co_await copy_tables(job, *connection, std::move(restored.told));
    }
    co_return co_await swap(job, *connection, std::move(restored.told));
}

asio::awaitable<std::optional<Objection>> preflight(StepJob& job) {
    auto const connection = connection_of(job);
    if (!connection) co_return about_files(job, to_string(connection.error()));
    auto const script = one_text(pg_restore_ready, pg_restore_readable);
    std::function<Command(std::string const&)> const look = [&](std::string const& backup) {
        return command(job, *connection, script, backup);
    };
    co_return co_await look_for_backup(job, endings(), look);
}

asio::awaitable<StepOutcome> settle(StepJob& job) {
    if (job.has("tables")) {
        co_return outcome_of(
            OutcomeKind::unknown, "nothing can tell whether the rows were replaced"
        );
    }
    auto const connection = connection_of(job);
    if (!connection) co_return outcome_of(OutcomeKind::unknown, to_string(connection.error()));
    auto const end = co_await job.ask(command(job, *connection, pg_restore_settle));
    co_await recall_backup(job, endings());
    co_return settled(end);
}

std::string dry_run(Step const& step) {
    Json const params(step.params);
    auto database = text_of(params, "database");
    if (database.empty()) database = "the connection's database";
    auto const* const tables = find(params, "tables");
    if (tables != nullptr && tables->is_array()) {
        std::string names;
        for (auto const& table : tables->get_array()) {
            if (table.is_string()) names += " " + std::string(table.get_string());
        }
        return "restore " + restoring_words(step.params) +
               " into a new database, check it, and put the rows of" + names +
               " in the place of those in " + database;
    }
    return "restore " + restoring_words(step.params) +
           " into a new database, check it, and give it the name of " + database +
           ", which is kept under another; every connection is ended";
}

}  // namespace

StepType pg_restore_step() {
    return {
        .info = pg_restore_info(),
        .run = run,
        .dry_run = dry_run,
        .preflight = preflight,
        .settle = settle,
        .effect = brings_services,
    };
}

}  // namespace rollbackd

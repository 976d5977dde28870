// sql: one statement in a transaction of its own, or one question with the answer it must have.
#include "actions/steps/database.hpp"
#include "actions/steps/descriptor.hpp"
#include "actions/steps/sql_text.hpp"
#include "actions/steps/words.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

template <class T>
std::optional<T> number_in(Json const& expect, std::string_view key) {
    auto const* const value = find(expect, key);
    if (value == nullptr || !value->is_number()) return std::nullopt;
    return value->to_number<T>();
}

SqlWish wish_of(JsonObject const& params) {
    SqlWish wish;
    Json const all(params);
    wish.query = text_of(all, "query");
    if (auto const* const values = find(all, "values"); values != nullptr && values->is_object()) {
        for (auto const& [name, value] : values->get_object()) {
            wish.values[std::string(name)] =
                value.is_string() ? std::string(value.get_string()) : to_text(value);
        }
    }
    if (auto const* const expect = find(all, "expect")) {
        wish.rows = number_in<std::int64_t>(*expect, "rows");
        wish.rows_min = number_in<std::int64_t>(*expect, "rows_min");
        wish.rows_max = number_in<std::int64_t>(*expect, "rows_max");
        wish.value_min = number_in<double>(*expect, "value_min");
        wish.value_max = number_in<double>(*expect, "value_max");
        if (find(*expect, "value") != nullptr) wish.value = text_of(*expect, "value");
    }
    auto const* const transaction = find(all, "transaction");
    wish.transaction = transaction == nullptr || !transaction->is_bool() || transaction->get_bool();
    return wish;
}

std::vector<Error> problems(JsonObject const& params) {
    auto const good = check_wish(wish_of(params));
    if (good) return {};
    return {good.error()};
}

Field count_field(char const* name, char const* doc) {
    return {.name = name, .type = FieldType::integer, .doc = doc, .min = 0};
}

bool destroys(JsonObject const& params) { return destroys_rows(text_of(Json(params), "query")); }

TypeInfo sql_info() {
    TypeInfo info;
    info.name = "sql";
    info.doc =
        "Has PostgreSQL carry out statements in one transaction, by psql, committed only if as "
        "many rows as expected were concerned; or, with a value in `expect`, asks a question.";
    info.fields = database_fields();
    info.fields.push_back(
        {.name = "query",
         .type = FieldType::text,
         .doc = "The statements; what changes from run to run is put in by psql: :'name' is the "
                "value of that name as a text, :\"name\" as an identifier.",
         .required = true,
         .literal = true}
    );
    info.fields.push_back(
        {.name = "values",
         .type = FieldType::text_map,
         .doc = "What :'name' and :\"name\" stand for."}
    );
    info.fields.push_back(
        {.name = "expect",
         .type = FieldType::object,
         .doc = "Of the last statement's rows, or of the one value that a question has.",
         .fields =
             {
                 count_field("rows", "Exactly so many rows, changed or answered."),
                 count_field("rows_min", "At least so many."),
                 count_field("rows_max", "At most so many."),
                 {.name = "value",
                  .type = FieldType::text,
                  .doc = "A question: the query is one SELECT with one cell, and this its text."},
                 {.name = "value_min",
                  .type = FieldType::number,
                  .doc = "A question: its number is at least this."},
                 {.name = "value_max",
                  .type = FieldType::number,
                  .doc = "A question: its number is at most this."},
             }}
    );
    info.fields.push_back(
        {.name = "transaction",
         .type = FieldType::boolean,
         .doc = "false: without one, for what PostgreSQL refuses in one (VACUUM, CREATE INDEX "
                "CONCURRENTLY).",
         .otherwise = true}
    );
    info.one_of = {database_alternatives()};
    info.destroys = destroys;
    info.problems = problems;
    info.runs_process = true;
    return info;
}

// The rest of standard input is for psql. Its exit 3: the server refused a statement, and the
// transaction is gone; 2: the connection is. Then the server says what became of the transaction.
constexpr char const* act_script = R"sh(
ask_one 'SELECT 1' >/dev/null || exit 10
exec 3>&1
said=$(run_psql -f - 2>&1 >&3)
code=$?
number=$(printf '%s\n' "$said" | sed -n 's/^rollbackd transaction//p' | tr -dc 0-9)
printf '%s\n' "$said" | grep -v '^rollbackd transaction' >&2
case $code in 0|3) exit "$code" ;; esac
[ -n "$number" ] || exit "$1"
while state=$(ask_one "SELECT txid_status($number)"); do
    case $state in
        committed) echo "the connection broke, but it was committed" >&2; exit 0 ;;
        aborted) echo "the connection broke, and nothing was changed" >&2; exit 11 ;;
        'in progress') sleep 0.2 ;;
        *) break ;;
    esac
done
exit 75
)sh";

constexpr char const* preflight_script = R"sh(
ask_one 'SELECT 1' >/dev/null || exit 68
)sh";

asio::awaitable<StepOutcome> run(StepJob& job) {
    auto wish = wish_of(job.step().params);
    if (auto const good = check_wish(wish); !good) {
        co_return outcome_of(OutcomeKind::failed, good.error().what);
    }
    auto const connection = connection_of(job);
    if (!connection) co_return outcome_of(OutcomeKind::failed, to_string(connection.error()));
    wish.limit = job.left();
    // What broke before the transaction had a number has done nothing; without a transaction nobody
    // knows.
    auto const unknown = std::to_string(wish.transaction ? 11 : unknown_exit);
    auto command = database_command("sql", act_script, {unknown}, *connection, psql_text(wish));
    auto const end = co_await job.process("psql", std::move(command));
    co_return job.outcome(end);
}

asio::awaitable<std::optional<Objection>> preflight(StepJob& job) {
    auto const wish = wish_of(job.step().params);
    if (auto const good = check_wish(wish); !good) co_return never(good.error().what);
    auto const connection = connection_of(job);
    if (!connection) co_return about_files(job, to_string(connection.error()));
    auto command = database_command("sql", preflight_script, {}, *connection);
    auto const end = co_await job.ask(std::move(command));
    co_return objection(job, end);
}

/// A question changed nothing; of a statement only the step's own check can tell.
asio::awaitable<StepOutcome> settle(StepJob& job) {
    if (wish_of(job.step().params).is_question()) {
        co_return outcome_of(OutcomeKind::failed, "a question: it may be asked again");
    }
    co_return outcome_of(
        OutcomeKind::unknown, "nothing can tell whether it was committed; give the step a check"
    );
}

std::string dry_run(Step const& step) {
    auto const wish = wish_of(step.params);
    auto const database = text_of(Json(step.params), "database");
    auto text = (wish.is_question() ? "ask PostgreSQL" : "have PostgreSQL carry out") +
                (database.empty() ? "" : " in " + database) + ": " + wish.query;
    for (auto const& [name, value] : wish.values) text += "; " + name + " = " + value;
    auto const expected = expectation(wish);
    if (!expected.empty()) text += "; expected: " + expected;
    if (wish.value) text += ", " + *wish.value;
    return text;
}

}  // namespace

StepType sql_step() {
    return {
        .info = sql_info(),
        .run = run,
        .dry_run = dry_run,
        .preflight = preflight,
        .settle = settle,
        .effect = brings_services,
    };
}

}  // namespace rollbackd

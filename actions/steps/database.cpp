#include "actions/steps/database.hpp"

#include "core/io/postgres.hpp"
#include "core/io/secrets.hpp"

namespace rollbackd {

std::vector<Field> database_fields() {
    return {
        {.name = "dsn_file",
         .type = FieldType::path,
         .doc = "File here with the connection string or URI, as seen from where the step runs."},
        {.name = "dsn",
         .type = FieldType::text,
         .doc = "The connection string or URI itself; ${ENV} is filled in at the last moment.",
         .secret = true},
        {.name = "database",
         .type = FieldType::text,
         .doc = "The database, where it is another than the connection's."},
    };
}

std::vector<std::string> database_alternatives() { return {"dsn_file", "dsn"}; }

Result<std::map<std::string, std::string>> connection_of(StepJob const& job) {
    auto const dsn = job.parts().secrets.text(job.step().params, "dsn");
    if (!dsn) return tl::unexpected<Error>(dsn.error());
    auto variables = libpq_environment(*dsn);
    if (!variables) return variables;
    auto const password = variables->find("PGPASSWORD");
    if (password != variables->end()) job.parts().secrets.remember(password->second);
    if (job.has("database")) (*variables)["PGDATABASE"] = job.text("database");
    if (job.text("database").find('\n') != std::string::npos) {
        return fail(Errc::invalid, "a line break in the database's name");
    }
    return variables;
}

Command database_command(
    std::string const& name, std::string const& script, std::vector<std::string> const& values,
    std::map<std::string, std::string> const& connection, std::string const& text
) {
    Command command;
    auto const whole = one_text(database_prelude, script);
    command.argv = script_argv(name, whole.c_str(), values);
    std::string input;
    for (auto const& [variable, value] : connection) input += variable + "=" + value + "\n";
    command.input = input + "\n" + text;
    return command;
}

std::string psql_set(std::string_view name, std::string_view value) {
    std::string out = "\\set " + std::string(name) + " '";
    for (char const c : value) {
        switch (c) {
            case '\'':
            case '\\':
                out += '\\';
                out += c;
                break;
            case '\n':
                out += "\\n";
                break;
            case '\r':
                out += "\\r";
                break;
            default:
                out += c;
        }
    }
    return out + "'\n";
}

}  // namespace rollbackd

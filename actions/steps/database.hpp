// What the steps that work on PostgreSQL share: the connection, which reaches psql, pg_dump and
// pg_restore through standard input and their environment, never as an argument; and psql's
// quoting.
#pragma once

#include "actions/steps/job.hpp"
#include "core/descriptor.hpp"

namespace rollbackd {

/// dsn_file | dsn, and database.
std::vector<Field> database_fields();
/// The alternatives among them, for TypeInfo::one_of.
std::vector<std::string> database_alternatives();

/// Where the step's parameters say: read now, the password remembered as a secret.
Result<std::map<std::string, std::string>> connection_of(StepJob const& job);

/// A script of ours that begins with database_prelude; what follows the connection on its standard
/// input is `text`.
Command database_command(
    std::string const& name, std::string const& script, std::vector<std::string> const& values,
    std::map<std::string, std::string> const& connection, std::string const& text = {}
);

/// A value as one argument of psql's \set, whatever is in it: its text names it :'name' (a text) or
/// :"name" (an identifier).
std::string psql_set(std::string_view name, std::string_view value);

/// Reads the connection from standard input and leaves the rest there. Defines ask_one QUERY: its
/// first cell; and run_psql …: psql without anybody's settings, the first error ends it.
inline constexpr char const* database_prelude = R"sh(
export LC_ALL=C PGCONNECT_TIMEOUT=10 PGAPPNAME=rollbackd
umask 077
while IFS= read -r line && [ -n "$line" ]; do
    case $line in PG*=*) export "$line" ;; esac
done
need() {
    for program in "$@"; do
        command -v -- "$program" >/dev/null && continue
        echo "$program is not installed there" >&2
        exit 69
    done
}
run_psql() { psql -X -w -q -A -t -v ON_ERROR_STOP=1 -v SHOW_CONTEXT=never "$@"; }
ask_one() { run_psql -c "$1" </dev/null; }
need psql
)sh";

}  // namespace rollbackd

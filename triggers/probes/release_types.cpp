// The fields of release.version and release.schema. Each type's first required field may stand
// alone: `version: { git: /srv/shop }`.
#include "triggers/probes/release.hpp"

namespace rollbackd {

namespace {

TypeInfo type(std::string name, std::string doc, std::vector<Field> fields) {
    TypeInfo info;
    info.name = std::move(name);
    info.doc = std::move(doc);
    info.fields = std::move(fields);
    return info;
}

TypeInfo git_type() {
    return type(
        "git", "The commit a work tree stands at.",
        {{.name = "repo", .type = FieldType::path, .doc = "The work tree.", .required = true}}
    );
}

TypeInfo http_type() {
    return type(
        "http", "What the running service itself says.",
        {{.name = "url", .type = FieldType::url, .doc = "Asked with GET.", .required = true},
         {.name = "json",
          .type = FieldType::text,
          .doc = "JSON pointer to the version; absent: the body's first line."},
         {.name = "headers", .type = FieldType::text_map, .doc = "Sent with the request."},
         {.name = "ca",
          .type = FieldType::path,
          .doc = "Trust the CA certificates of this PEM file instead of the system's."}}
    );
}

TypeInfo file_type() {
    return type(
        "file", "The first line of a file.",
        {{.name = "path", .type = FieldType::path, .doc = "The file.", .required = true}}
    );
}

TypeInfo command_type() {
    return type(
        "command", "The first line a command prints.",
        {{.name = "argv", .type = FieldType::argv, .doc = "The command.", .required = true}}
    );
}

TypeInfo sql_type() {
    auto info = type(
        "sql", "One value out of PostgreSQL, read in a read-only transaction.",
        {{.name = "dsn_file",
          .type = FieldType::path,
          .doc = "File with the connection string or URI."},
         {.name = "dsn",
          .type = FieldType::text,
          .doc = "The connection string or URI; ${ENV} is filled in when asked.",
          .secret = true},
         {.name = "query",
          .type = FieldType::text,
          .doc = "Its first row's first column is the schema's version.",
          .required = true}}
    );
    info.one_of = {{"dsn_file", "dsn"}};
    return info;
}

}  // namespace

std::vector<TypeInfo> release_version_types() {
    return {git_type(), http_type(), file_type(), command_type()};
}

std::vector<TypeInfo> release_schema_types() { return {sql_type(), file_type(), command_type()}; }

}  // namespace rollbackd

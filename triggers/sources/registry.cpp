#include "triggers/sources/registry.hpp"

#include "triggers/sources/access_log_match.hpp"
#include "triggers/sources/access_log_source.hpp"
#include "triggers/sources/alert_table.hpp"
#include "triggers/sources/alerts_source.hpp"
#include "triggers/sources/log_source.hpp"
#include "triggers/sources/redis_stream.hpp"

namespace rollbackd {

namespace {

Field field(std::string name, FieldType type, std::string doc) {
    Field made;
    made.name = std::move(name);
    made.type = type;
    made.doc = std::move(doc);
    return made;
}

Field key_field(std::string name, std::string doc) {
    return field(std::move(name), FieldType::text, std::move(doc));
}

std::vector<Field> match_fields() {
    return {
        field("path", FieldType::text, "RE2 expression on the path, without the query string."),
        field("method", FieldType::text_list, "Any of these methods."),
        field("query", FieldType::text, "RE2 expression on the query string, without the `?`."),
        field("host", FieldType::text_list, "Any of these hosts; `*.example.com` is any below it."),
    };
}

std::vector<Field> key_fields() {
    return {
        key_field("time", "When it happened: RFC 3339 or seconds since 1970."),
        key_field("status", "The answer's status."),
        key_field("method", "The request's method."),
        key_field("path", "The request's path, with or without a query string."),
        key_field("query", "The query string, where it stands apart."),
        key_field("host", "The host that was asked for."),
        key_field("client", "The client's address."),
        key_field("latency", "How long it took, a number of latency_unit."),
        key_field("id", "What identifies the event, so that a repeat counts once."),
    };
}

Field choice(std::string name, std::vector<std::string> choices, std::string doc) {
    Field made = field(std::move(name), FieldType::choice, std::move(doc));
    made.choices = std::move(choices);
    return made;
}

TypeInfo access_log() {
    TypeInfo type;
    type.name = "access_log";
    type.doc =
        "Outcomes from a web server's access log: 5xx fail, 2xx and 3xx succeed, 4xx are neutral; "
        "or, measured, how long requests took.";
    Field path = field(
        "path", FieldType::path,
        "The log; rotation is followed. `*`, `?` and `[a-z]` mean every log of such a name."
    );
    path.required = true;
    Field format = choice(
        "format", enum_names<LogFormat>(),
        "combined or common (nginx, Apache), vhost_combined (a host first), json (one object a "
        "line), or auto: each line as it looks."
    );
    format.otherwise = "auto";
    Field match = field("match", FieldType::object, "Only lines that match all of these count.");
    match.fields = match_fields();
    Field keys = field(
        "keys", FieldType::object,
        "Members of a JSON line to read instead of the usual ones: a name, or a pointer (`/a/b`)."
    );
    keys.fields = key_fields();
    Field unit = choice("latency_unit", {"s", "ms", "us", "ns"}, "What the log's latency counts.");
    unit.otherwise = "s";
    type.fields = {
        path,
        format,
        field(
            "pattern", FieldType::text,
            "RE2 expression for a log of another form: its groups (?P<status>...), request or path "
            "and method, query, time, host, client, latency, id are the line's fields."
        ),
        match,
        keys,
        field(
            "id", FieldType::text,
            "What tells events apart: a group, a JSON member or a query parameter. An event counts "
            "once as failure and once as success."
        ),
        field(
            "affected", FieldType::text,
            "What affected() counts, each once: client (the default), path or host of a request, "
            "or "
            "a group, a JSON member or a query parameter, such as the endpoint or the user."
        ),
        field("fail", FieldType::status, "Statuses or classes that fail, beside 5xx: [429, 4xx]."),
        field(
            "neutral", FieldType::status, "Statuses or classes that are neutral, beside 4xx: [503]."
        ),
        choice("measure", {"latency"}, "A gauge of seconds: how long each request took."),
        unit,
    };
    return type;
}

TypeInfo push() {
    TypeInfo type;
    type.name = "push";
    type.doc = "Samples that a program posts to /v1/services/SERVICE/signals/SIGNAL.";
    Field kind = field("kind", FieldType::choice, "What is pushed.");
    kind.required = true;
    kind.choices = enum_names<SignalKind>();
    type.fields = {kind};
    return type;
}

TypeInfo heartbeat() {
    TypeInfo type;
    type.name = "heartbeat";
    type.doc =
        "A dead-man switch: a job posts {\"ok\":true} to /v1/services/SERVICE/signals/SIGNAL each "
        "time it has run; when no post comes in time the signal is stale.";
    type.kind = "state";
    Field within = field(
        "within", FieldType::duration,
        "How long after one post the next must come: the job's interval and some patience."
    );
    within.required = true;
    type.fields = {within};
    return type;
}

TypeInfo log() {
    TypeInfo type;
    type.name = "log";
    type.doc =
        "Lines of a log: those that match are failures, with the pattern's name as reason; all "
        "others are successes. `by: pattern` keeps a streak per pattern, which a line without any "
        "of them ends.";
    type.kind = "outcomes";
    Field socket = field(
        "socket", FieldType::path, "With container: the engine's socket (Docker's or Podman's)."
    );
    socket.otherwise = "/var/run/docker.sock";
    type.fields = {
        field(
            "path", FieldType::path,
            "A file; rotation is followed. `*`, `?` and `[a-z]` mean every file of such a name."
        ),
        field("unit", FieldType::text, "A systemd unit: its lines in the journal."),
        field("container", FieldType::text, "A container: its log, of both streams."),
        socket,
        field(
            "patterns", FieldType::text_list,
            "What fails, by name: " + log_patterns_doc() + ". Default: error, where fail is absent."
        ),
        field("fail", FieldType::text_list, "RE2 expressions: lines that match any have failed."),
        field("ignore", FieldType::text_list, "RE2 expressions: such lines are not looked at."),
    };
    type.one_of = {{"path", "unit", "container"}};
    return type;
}

TypeInfo alerts() {
    TypeInfo type;
    type.name = "alerts";
    type.doc =
        "Alerts of Alertmanager, posted to /v1/alerts: failed while one that matches fires, ok "
        "when "
        "all are resolved or past their end.";
    type.kind = "state";
    Field match = field(
        "match", FieldType::text_map,
        "Labels and their values, all of which an alert must have; a value that begins with `~` is "
        "an RE2 expression for the whole value."
    );
    match.required = true;
    type.fields = {
        match,
        field(
            "alive", FieldType::text_map,
            "Labels of an alert that always fires: each time it arrives while none of the others "
            "does, the signal is ok anew. Absent: the signal is ok only once an alert was resolved."
        ),
    };
    return type;
}

template <class T>
std::vector<Error> problems_of(Result<T> const& made) {
    if (made) return {};
    return {made.error()};
}

std::vector<Error> check_log(SignalPolicy const& signal) {
    auto const unit = text_of(Json(signal.params), "unit");
    bool const bare = !unit.empty() && unit.find('.') == std::string::npos;
    if (bare && unit.find("{{") == std::string::npos) {
        return {Error{
            Errc::invalid, "\"" + unit + "\" has no ending; write " + unit + ".service", "unit"
        }};
    }
    return problems_of(LogMatcher::make("", signal));
}

}  // namespace

std::vector<TypeInfo> source_catalogue() {
    return {access_log(), push(), heartbeat(), log(), alerts()};
}

std::vector<Error> check_source(SignalPolicy const& signal) {
    if (signal.type == "access_log") return problems_of(AccessLogReader::make("", signal));
    if (signal.type == "log") return check_log(signal);
    if (signal.type == "alerts") return problems_of(AlertTable::make("", signal));
    return {};
}

std::optional<SignalNature> source_nature(std::string const& type, JsonObject const& params) {
    if (type != "access_log") return std::nullopt;  // push says `kind` itself
    return SignalNature{is_measured_latency(params) ? "gauge" : "outcomes", false};
}

Result<std::unique_ptr<Source>> make_source(
    std::string const& service, SignalPolicy const& signal, SourceContext const& context,
    Json const& saved
) {
    if (signal.type == "log") return make_log_source(service, signal, context, saved);
    if (signal.type == "alerts") return make_alerts_source(service, signal, context, saved);
    if (signal.type == "redis") return make_redis_stream(service, signal, context, saved);
    if (signal.type != "access_log") return std::unique_ptr<Source>();
    return make_access_log_source(service, signal, context.executor, context.clock, saved);
}

}  // namespace rollbackd

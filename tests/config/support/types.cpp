#include "tests/config/support/types.hpp"

#include <fstream>
#include <sstream>

namespace rollbackd::testing {

namespace {

using enum FieldType;

Field field(std::string name, FieldType type, bool required = false) {
    Field made;
    made.doc = "The " + name + ".";
    made.name = std::move(name);
    made.type = type;
    made.required = required;
    return made;
}

Field choice_of(std::string name, std::vector<std::string> choices, bool required = false) {
    auto made = field(std::move(name), choice, required);
    made.choices = std::move(choices);
    return made;
}

TypeInfo type(std::string name, std::vector<Field> fields) {
    TypeInfo made;
    made.doc = "The type " + name + ".";
    made.name = std::move(name);
    made.fields = std::move(fields);
    return made;
}

TypeInfo probe(std::string name, std::string kind, std::vector<Field> fields) {
    auto made = type(std::move(name), std::move(fields));
    made.kind = std::move(kind);
    made.is_probe = true;
    return made;
}

TypeInfo step(std::string name, bool idempotent, bool edits, std::vector<Field> fields) {
    auto made = type(std::move(name), std::move(fields));
    made.idempotent = idempotent;
    made.edits = edits;
    return made;
}

void add_signals(Catalogue& types) {
    auto expect = field("expect", object);
    expect.fields = {field("status", status), field("body", text), field("json", any_map)};
    auto redirects = field("redirects", integer);
    redirects.min = 0;
    redirects.max = 10;
    types.signals.push_back(probe(
        "http", "state",
        {field("url", url, true), field("headers", text_map), expect, redirects, field("ca", path)}
    ));
    types.signals.push_back(probe("tls", "gauge", {field("address", text, true)}));
    types.signals.push_back(probe("tcp", "state", {field("address", text, true)}));
    auto match = field("match", object);
    match.fields = {field("path", text), field("query", text)};
    auto log = type("access_log", {field("path", path, true), match, field("limit", size)});
    log.kind = "outcomes";
    types.signals.push_back(log);
    types.signals.push_back(
        type("push", {choice_of("kind", {"outcomes", "state", "gauge", "text"}, true)})
    );
    types.later_signals = {"alerts", "sql"};
}

void add_steps(Catalogue& types) {
    auto exec = step(
        "exec", false, false,
        {field("argv", argv), field("shell", text), field("cwd", path), field("env", text_map)}
    );
    exec.one_of = {{"argv", "shell"}};
    types.steps.push_back(exec);
    types.steps.push_back(
        step("git_checkout", true, true, {field("repo", path, true), field("to", text, true)})
    );
    types.steps.push_back(step(
        "systemd", true, false,
        {field("unit", text, true), choice_of("do", {"restart", "start", "stop"}, true)}
    ));
    auto evidence = step(
        "capture_evidence", true, false, {field("commands", argv_list), field("files", text_list)}
    );
    evidence.evidence = true;
    types.steps.push_back(evidence);
    types.steps.push_back(step(
        "wait_until", true, false,
        {field("until", condition, true), field("within", duration, true)}
    ));
    types.steps.push_back(
        step("notify", true, false, {field("to", text, true), field("text", text, true)})
    );
    types.steps.push_back(
        step("manual", false, false, {field("say", text, true), field("deadline", duration)})
    );
    auto wipe = step("wipe", false, false, {field("path", path, true)});
    wipe.destructive = true;
    types.steps.push_back(wipe);
    types.later_steps = {"compose", "pg_restore"};
}

Catalogue make() {
    Catalogue types;
    add_signals(types);
    add_steps(types);
    auto secret = field("url", url);
    secret.secret = true;
    auto format = choice_of("format", {"generic", "slack"});
    format.later_choices = {"discord", "teams"};
    auto webhook = type("webhook", {secret, field("url_file", path), format});
    webhook.one_of = {{"url", "url_file"}};
    types.notifiers = {webhook, type("exec", {field("argv", argv, true)})};
    types.later_notifiers = {"smtp"};
    types.release_versions = {
        type("git", {field("path", path, true)}), type("file", {field("path", path, true)})
    };
    types.release_schemas = {type("command", {field("argv", argv, true)})};
    return types;
}

}  // namespace

Catalogue const& small_types() {
    static Catalogue const types = make();
    return types;
}

std::string source_file(std::string const& path) {
    std::ifstream stream(std::string(ROLLBACKD_SOURCE_DIR) + "/" + path, std::ios::binary);
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
}

}  // namespace rollbackd::testing

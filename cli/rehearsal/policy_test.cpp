#include "cli/rehearsal/policy_test.hpp"

#include "cli/rehearsal/keys.hpp"
#include "config/fields.hpp"
#include "core/names.hpp"
#include "engine/event.hpp"

#include <algorithm>

namespace rollbackd::cli {

namespace {

using namespace std::chrono_literals;

/// The policy the tests are of, beside a reader's place in the file.
struct Reading {
    Policy const& policy;
    std::string service;  // where none is named; empty: the only one
    Duration interval = 1min;
};

template <class T>
std::optional<T> maybe(MapReader& map, std::string_view key) {
    T value{};
    if (!read(map, key, value)) return {};
    return value;
}

std::vector<std::string> names_of(auto const& things) {
    std::vector<std::string> names;
    for (auto const& thing : things) names.push_back(thing.name);
    return names;
}

/// The service that is named, or the only one; null: reported.
ServicePolicy const* service_of(
    Reading const& reading, YamlCursor const& cursor, std::string const& named
) {
    auto const& services = reading.policy.services;
    auto const& name = named.empty() ? reading.service : named;
    if (name.empty() && services.size() == 1) return &services.front();
    if (name.empty()) {
        cursor.error("the policy has several services: say which, with service");
        return nullptr;
    }
    auto const* const found = reading.policy.service(name);
    if (found == nullptr) {
        cursor.error(
            "there is no service \"" + printable(name, 80) + "\"" +
            suggest(name, names_of(services))
        );
    }
    return found;
}

ServicePolicy const* read_service(Reading const& reading, MapReader& map) {
    auto const cursor = map.take("service");
    auto const name = cursor ? cursor->text() : std::nullopt;
    return service_of(reading, cursor.value_or(map.at()), name.value_or(""));
}

/// A name below a service, which must be there.
template <class Things>
void must_exist(
    YamlCursor const& cursor, std::string_view what, std::string const& name, Things const& things
) {
    auto const names = names_of(things);
    if (std::find(names.begin(), names.end(), name) != names.end()) return;
    cursor.error(
        "there is no " + std::string(what) + " \"" + printable(name, 80) + "\"" +
        suggest(name, names)
    );
}

void read_one_series(Reading const& reading, YamlCursor const& cursor, PolicyTest& test) {
    MapReader map(cursor, keys::series());
    InputSeries series;
    series.line = cursor.mark().line;
    series.interval = reading.interval;
    read(map, "interval", series.interval);
    read(map, "by", series.by);
    read(map, "version", series.version);
    read(map, "after", series.after);
    auto const name_at = map.take("series");
    auto const values_at = map.take("values");
    auto const named = name_at ? name_at->text() : std::nullopt;
    auto const values = values_at ? values_at->text() : std::nullopt;
    map.finish();
    if (!named || !values) return;
    auto const slash = named->find('/');
    auto const owner = slash == named->npos ? std::string() : named->substr(0, slash);
    auto const* const service = service_of(reading, *name_at, owner);
    if (service == nullptr) return;
    series.service = service->name;
    series.signal = slash == named->npos ? *named : named->substr(slash + 1);
    must_exist(*name_at, "signal", series.signal, service->signals);
    if (auto const at = map.take("after"); at && !series.after.empty()) {
        must_exist(*at, "playbook", series.after, service->playbooks);
    }
    auto const* const signal = service->signal(series.signal);
    if (signal == nullptr) return;
    auto parsed = Series::parse(*values, signal->kind);
    if (!parsed) {
        values_at->error(parsed.error().what);
        return;
    }
    series.values = std::move(*parsed);
    test.series.push_back(std::move(series));
}

void read_kind(
    ServicePolicy const& service, MapReader& map, std::string const& kind, TestEvent& event
) {
    auto const cursor = map.take(kind);
    if (!cursor) return;
    if (!event.kind.empty()) {
        cursor->error("an event is one thing; this one is also " + event.kind);
        return;
    }
    event.kind = kind;
    auto const value = cursor->text();
    if (!value) return;
    event.what = *value;
    if (kind == "raise") must_exist(*cursor, "trigger", *value, service.triggers);
    if (kind == "run") must_exist(*cursor, "playbook", *value, service.playbooks);
    bool const versioned = kind == "deploy" || kind == "release";
    if (auto const wrong = versioned ? version_problem(*value) : std::string(); !wrong.empty()) {
        cursor->error(wrong);
    }
    if (map.field(kind).type == FieldType::boolean && *value != "true") {
        cursor->error("write " + kind + ": true, or leave it out");
    }
    if (kind == "silence" && !parse_duration(*value)) cursor->error("expected a duration like 1h");
}

void read_event(Reading const& reading, YamlCursor const& cursor, PolicyTest& test) {
    MapReader map(cursor, keys::event());
    TestEvent event;
    event.line = cursor.mark().line;
    read(map, "at", event.at);
    auto const* const service = read_service(reading, map);
    if (service == nullptr) return;
    event.service = service->name;
    for (auto const& kind : keys::event_kinds()) read_kind(*service, map, kind, event);
    if (event.kind.empty()) cursor.error("nothing happens in this event; give it deploy, step, …");
    read(map, "reason", event.reason);
    read(map, "known_good", event.known_good);
    event.schema_compatible = maybe<bool>(map, "schema_compatible");
    event.started_at = maybe<Duration>(map, "started_at");
    read(map, "ends", event.ends);
    read(map, "settles", event.settles);
    event.takes = maybe<Duration>(map, "takes");
    read(map, "outcome", event.outcome);
    map.finish();
    test.events.push_back(std::move(event));
}

void read_verdict(Reading const& reading, YamlCursor const& cursor, PolicyTest& test) {
    MapReader map(cursor, keys::trigger_expectation());
    Expectation expected;
    expected.line = cursor.mark().line;
    auto const* const service = read_service(reading, map);
    if (service == nullptr) return;
    expected.service = service->name;
    read(map, "eval_time", expected.at);
    if (read(map, "trigger", expected.name)) {
        must_exist(*map.take("trigger"), "trigger", expected.name, service->triggers);
    }
    read(map, "exp_verdict", expected.word);
    read(map, "exp_why", expected.why);
    map.finish();
    test.expectations.push_back(std::move(expected));
}

void read_standing(Reading const& reading, YamlCursor const& cursor, PolicyTest& test) {
    MapReader map(cursor, keys::version_expectation());
    Expectation expected;
    expected.about = Expectation::About::version;
    expected.line = cursor.mark().line;
    auto const* const service = read_service(reading, map);
    if (service == nullptr) return;
    expected.service = service->name;
    read(map, "eval_time", expected.at);
    read(map, "version", expected.name);
    read(map, "exp_standing", expected.word);
    map.finish();
    test.expectations.push_back(std::move(expected));
}

ExpectedIncident read_incident(ServicePolicy const& service, YamlCursor const& cursor) {
    MapReader map(cursor, keys::incident());
    ExpectedIncident out;
    out.trigger = maybe<std::string>(map, "trigger");
    if (out.trigger) must_exist(*map.take("trigger"), "trigger", *out.trigger, service.triggers);
    out.severity = maybe<std::string>(map, "severity");
    out.state = maybe<std::string>(map, "state");
    out.alert_only = maybe<bool>(map, "alert_only");
    out.blamed = maybe<std::string>(map, "blamed");
    out.duties = maybe<std::vector<std::string>>(map, "duties");
    if (auto const runs = map.take("runs")) {
        out.runs.emplace();
        for (auto const& item : runs->items("a list of runs")) {
            MapReader entry(item, keys::run());
            auto& run = out.runs->emplace_back();
            run.playbook = maybe<std::string>(entry, "playbook");
            if (run.playbook) {
                must_exist(*entry.take("playbook"), "playbook", *run.playbook, service.playbooks);
            }
            run.target = maybe<std::string>(entry, "target");
            run.state = maybe<std::string>(entry, "state");
            entry.finish();
        }
    }
    if (auto const refusals = map.take("refusals")) {
        out.refusals.emplace();
        for (auto const& item : refusals->items("a list of refusals")) {
            MapReader entry(item, keys::refusal());
            auto& refusal = out.refusals->emplace_back();
            refusal.guard = maybe<std::string>(entry, "guard");
            refusal.letter = maybe<std::string>(entry, "letter");
            refusal.playbook = maybe<std::string>(entry, "playbook");
            refusal.text = maybe<std::string>(entry, "text");
            entry.finish();
        }
    }
    map.finish();
    return out;
}

void read_incidents(Reading const& reading, YamlCursor const& cursor, PolicyTest& test) {
    MapReader map(cursor, keys::incident_expectation());
    Expectation expected;
    expected.about = Expectation::About::incidents;
    expected.line = cursor.mark().line;
    auto const* const service = read_service(reading, map);
    if (service == nullptr) return;
    expected.service = service->name;
    read(map, "eval_time", expected.at);
    if (read(map, "trigger", expected.name)) {
        must_exist(*map.take("trigger"), "trigger", expected.name, service->triggers);
    }
    if (auto const list = map.take("exp_incidents")) {
        for (auto const& item : list->items("a list of incidents")) {
            expected.incidents.push_back(read_incident(*service, item));
        }
    }
    map.finish();
    test.expectations.push_back(std::move(expected));
}

PolicyTest read_test(Reading reading, YamlCursor const& cursor) {
    MapReader map(cursor, keys::test());
    PolicyTest test;
    test.line = cursor.mark().line;
    read(map, "name", test.name);
    read(map, "service", reading.service);
    read(map, "interval", reading.interval);
    bool expects = false;
    using Part = void (*)(Reading const&, YamlCursor const&, PolicyTest&);
    std::pair<char const*, Part> const parts[] = {
        {"input_series", read_one_series}, {"events", read_event},
        {"trigger_test", read_verdict},    {"incident_test", read_incidents},
        {"version_test", read_standing},
    };
    for (auto const& [key, part] : parts) {
        auto const list = map.take(key);
        if (!list) continue;
        expects = expects || std::string_view(key).ends_with("_test");
        for (auto const& item : list->items()) part(reading, item, test);
    }
    map.finish();
    if (!expects) cursor.error("nothing is expected in this test");
    auto const by_time = [](auto const& a, auto const& b) { return a.at < b.at; };
    std::stable_sort(test.events.begin(), test.events.end(), by_time);
    std::stable_sort(test.expectations.begin(), test.expectations.end(), by_time);
    return test;
}

std::shared_ptr<Policy const> with_autonomy(MapReader& map, std::shared_ptr<Policy const> policy) {
    Autonomy autonomy{};
    if (!read(map, "autonomy", autonomy) || !policy) return policy;
    auto changed = std::make_shared<Policy>(*policy);
    changed->daemon.autonomy = autonomy;
    return changed;
}

}  // namespace

bool PolicyTests::ok() const {
    return policy != nullptr &&
           std::all_of(problems.begin(), problems.end(), [](auto const& p) { return p.warning; });
}

PolicyTests read_policy_tests(
    std::string_view text, std::string const& name, PolicyReader const& read_policy
) {
    PolicyTests out;
    Sources sources;
    Places places;
    auto const file = sources.add({name, std::string(text)});
    auto const root = parse_yaml(sources, file);
    std::vector<Problem> of_policy;
    if (root) {
        YamlCursor const cursor(root, Mark{file, 1, 1}, "", sources, places);
        MapReader map(cursor, keys::file());
        read(map, "policy", out.policy_file);
        if (!out.policy_file.empty()) out.policy = read_policy(out.policy_file, of_policy);
        out.policy = with_autonomy(map, out.policy);
        auto const tests = map.take("tests");
        if (tests && out.policy) {
            Reading reading{*out.policy, {}};
            read(map, "service", reading.service);
            for (auto const& item : tests->items("a list of tests")) {
                out.tests.push_back(read_test(reading, item));
            }
            if (tests->node().items.empty()) tests->error("there is no test in it");
        }
        map.finish();
    } else if (sources.errors() == 0) {
        sources.report({file, 0, 0}, false, "the file is empty; it needs policy and tests");
    }
    out.problems = sources.problems();
    out.problems.insert(out.problems.end(), of_policy.begin(), of_policy.end());
    return out;
}

}  // namespace rollbackd::cli

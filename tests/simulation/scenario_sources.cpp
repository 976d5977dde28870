// Signals of further kinds: gauges, texts, alerts, heartbeats, releases that nobody announces.
#include "tests/simulation/scenario.hpp"

namespace rollbackd::simulation {

using namespace std::chrono_literals;
using Kind = Meaning::Kind;

namespace {

std::string seconds(Duration duration) { return format_duration(duration); }

SignalPolicy probe(char const* name, char const* type, SignalKind kind, Random& random) {
    SignalPolicy made;
    made.name = name;
    made.type = type;
    made.kind = kind;
    made.is_probe = true;
    made.every = random.between(5s, 10s);
    made.timeout = 2s;
    made.confirm_every = random.between(1s, 2s);
    made.stale_after = 3 * made.every + made.timeout;
    return made;
}

SignalPolicy report(char const* name, char const* type, SignalKind kind) {
    SignalPolicy made;
    made.name = name;
    made.type = type;
    made.kind = kind;
    return made;
}

Duration window(Random& random, Duration low, Duration high) {
    return std::chrono::round<std::chrono::seconds>(random.between(low, high));
}

// High while the service does not serve: between 80 and 100, else below 60.
Meaning of_gauge(Random& random) {
    static std::vector<Kind> const kinds{Kind::value, Kind::max, Kind::min, Kind::avg, Kind::delta};
    Meaning out;
    out.kind = random.pick(kinds);
    out.signal = gauge_signal;
    out.limit = out.kind == Kind::delta ? 60 : 70;
    out.window = window(random, 20s, 60s);
    return out;
}

Meaning of_text(Random& random) {
    Meaning out;
    out.kind = random.chance(0.5) ? Kind::version : Kind::changed;
    out.signal = mode_signal;
    out.text = "maintenance";
    out.window = window(random, 30s, 90s);
    return out;
}

Meaning of_beat(Random& random) {
    Meaning out;
    out.signal = beat_signal;
    out.window = window(random, 30s, 90s);
    out.kind = random.chance(0.5) ? Kind::stale : Kind::absent;
    if (random.chance(0.15)) out.kind = Kind::failed;
    return out;
}

Meaning of_alerts(Random& random) {
    Meaning out;
    out.signal = alerts_signal;
    out.kind = random.chance(0.7) ? Kind::failed : Kind::streak;
    out.limit = random.in(1, 3);
    return out;
}

void add_trigger(
    Scenario& scenario, ServicePolicy& service, Meaning const& meaning, bool acts, Random& random
) {
    TriggerPolicy trigger;
    trigger.name = "x" + std::to_string(service.triggers.size() + 1);
    auto const text = condition_text(meaning);
    trigger.when = parsed(text);
    scenario.meanings[text + "#1"] = {meaning};
    trigger.severity = Severity(random.below(4));
    Response response{ResponseKind::alert, {}};
    if (acts && random.chance(0.6)) {
        response.kind = random.chance(0.1) ? ResponseKind::propose : ResponseKind::ladder;
        response.rungs.push_back({random.chance(0.7) ? "code-rollback" : "flag-off", {}});
    } else if (random.chance(0.15)) {
        response = {ResponseKind::propose, {{"restart", {}}}};
    }
    trigger.response = std::move(response);
    if (random.chance(0.25)) trigger.for_ = random.between(1s, 30s);
    if (random.chance(0.3)) trigger.resolve_after.samples = std::uint32_t(random.in(1, 4));
    service.triggers.push_back(std::move(trigger));
}

}  // namespace

std::string condition_text(Meaning const& meaning) {
    auto const limit = std::to_string(int(meaning.limit));
    auto const over = "(" + meaning.signal + ", " + seconds(meaning.window) + ")";
    switch (meaning.kind) {
        case Kind::streak:
            return "consecutive_failures(" + meaning.signal + ") >= " + limit;
        case Kind::ratio:
            return "failure_ratio" + over + " > " + limit + "%";
        case Kind::count:
            return "failures" + over + " >= " + limit;
        case Kind::failed:
            return "failed(" + meaning.signal + ")";
        case Kind::absent:
            return "absent" + over;
        case Kind::stale:
            return "stale(" + meaning.signal + ")";
        case Kind::value:
            return "value(" + meaning.signal + ") > " + limit;
        case Kind::days:
            return "days_left(" + meaning.signal + ") < " + limit;
        case Kind::max:
            return "max" + over + " > " + limit;
        case Kind::min:
            return "min" + over + " > " + limit;
        case Kind::avg:
            return "avg" + over + " > " + limit;
        case Kind::delta:
            return "delta" + over + " > " + limit;
        case Kind::changed:
            return "changed" + over;
        case Kind::version:
            return "version(" + meaning.signal + ") == \"" + meaning.text + "\"";
    }
    return "";
}

Condition parsed(std::string const& text) {
    auto made = Condition::parse(text);
    ensure(made.has_value(), "a simulated condition parses");
    return std::move(*made);
}

void add_sources(Scenario& scenario, ServicePolicy& service, Random random) {
    auto& signals = service.signals;
    if (random.chance(0.6)) {
        signals.push_back(probe(gauge_signal, "prometheus", SignalKind::gauge, random));
        add_trigger(scenario, service, of_gauge(random), true, random);
    }
    if (random.chance(0.3)) {
        signals.push_back(report(days_signal, "push", SignalKind::gauge));
        Meaning expires;
        expires.kind = Kind::days;
        expires.signal = days_signal;
        expires.limit = 30;
        add_trigger(scenario, service, expires, false, random);
    }
    if (random.chance(0.4)) {
        signals.push_back(report(mode_signal, "push", SignalKind::text));
        add_trigger(scenario, service, of_text(random), false, random);
    }
    if (random.chance(0.5)) {
        signals.push_back(probe(release_signal, "release", SignalKind::text, random));
        Meaning moved;
        moved.kind = Kind::changed;
        moved.signal = release_signal;
        moved.window = window(random, 30s, 90s);
        if (random.chance(0.5)) add_trigger(scenario, service, moved, false, random);
    }
    if (random.chance(0.4)) {
        auto rules = report(alerts_signal, "alerts", SignalKind::state);
        rules.params["match"] = JsonObject{{"service", service.name}};
        signals.push_back(std::move(rules));
        add_trigger(scenario, service, of_alerts(random), true, random);
    }
    if (random.chance(0.5)) {
        auto beat = report(beat_signal, "heartbeat", SignalKind::state);
        beat.stale_after = window(random, 30s, 70s);
        signals.push_back(std::move(beat));
        add_trigger(scenario, service, of_beat(random), false, random);
    }
}

}  // namespace rollbackd::simulation

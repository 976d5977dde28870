#include "tests/situations/site.hpp"

#include <cmath>

namespace rollbackd::situations {

using namespace std::chrono_literals;

namespace {

constexpr int clients_max = 80;
constexpr double neutral_share = 0.03;   // 4xx
constexpr double probe_noise = 0.0004;   // a probe that fails though all is well
constexpr Duration report_every = 10s;   // of agents on the machine
constexpr Duration starts_within = 4s;   // a normal restart
constexpr Duration follows_within = 1s;  // the end of one, where a step has waited for most of it

std::string word(JsonObject const& params, std::string_view key) {
    auto const* const found = params.if_contains(key);
    return found == nullptr || !found->is_string() ? "" : std::string(found->get_string());
}

}  // namespace

Site::Site(
    simulation::Timeline& timeline, Random& random, simulation::Witness& witness, Story const& story
)
    : World(timeline, random, witness),
      story_(story),
      noise_(0.004 * double(random.in(0, 10)) / 10) {
    step_fails = step_lost = step_hangs = no_effect = delivery_fails = 0;
}

Site::Faults Site::drawn(std::vector<Fault> const& faults) const {
    Faults out;
    for (auto const& fault : faults) {
        auto const after = fault.after.draw(random_);
        out.push_back({fault, after, fault.period.draw(random_), timeline_.now()});
    }
    return out;
}

void Site::install(std::string const& name, std::string const& version) {
    auto& service = services[name];
    service.name = name;
    service.versions[version] = {};
    service.running = version;
    service.running_since = -1h;
    traffic_[name] = 1;
}

void Site::start(std::string const& name, std::string const& version, Duration takes) {
    auto& found = service(name);
    found.running = version;
    found.running_since = timeline_.now();
    found.starting_until = timeline_.now() + takes;
}

void Site::deploy(Happening const& happening) {
    auto& found = service(happening.service);
    if (happening.schema > 0) found.schema = happening.schema;
    if (happening.schema_compatible == true) {
        for (auto& [name, known] : found.versions) known.schema = found.schema;
    }
    bool const fresh = !found.versions.contains(happening.version);
    auto& version = found.versions[happening.version];
    if (fresh) {
        version.schema = found.schema;
        of_version_[happening.service][happening.version] = drawn(happening.faults);
    }
    start(happening.service, happening.version, random_.between(0s, starts_within));
}

void Site::break_down(Happening const& happening) {
    auto& faults = outside_[happening.service];
    for (auto& live : drawn(happening.faults)) faults.push_back(std::move(live));
}

void Site::mend(std::string const& name) { outside_.erase(name); }

void Site::spoil(Happening const& happening) {
    of_version_[happening.service][happening.version] = drawn(happening.faults);
}

void Site::move_schema(std::string const& name, int schema) {
    auto& found = service(name);
    found.schema = schema;
    found.versions.at(found.running).schema = schema;
}

void Site::set_traffic(std::string const& name, double factor) {
    for (auto& [service, traffic] : traffic_) {
        if (name.empty() || name == service) traffic = factor;
    }
}

Normal const& Site::normal(std::string const& name, std::string const& signal) const {
    static Normal const none;
    auto const service = story_.normal.find(name);
    if (service == story_.normal.end()) return none;
    auto const found = service->second.find(signal);
    return found == service->second.end() ? none : found->second;
}

bool Site::is_active(std::string const& name, Live const& live, Time since) const {
    auto const age = timeline_.now() - since - live.after;
    if (age < 0s) return false;
    if (live.period > 0s && (age / live.period) % 2 == 1) return false;
    return live.fault.above <= 0 || traffic_.at(name) > live.fault.above;
}

Site::Faults Site::active(std::string const& name, std::string const& signal) const {
    Faults out;
    auto const take = [&](Faults const& faults, std::optional<Time> since) {
        for (auto const& live : faults) {
            bool const shows = live.fault.signal == "*" || live.fault.signal == signal;
            if (!shows || !is_active(name, live, since.value_or(live.begun))) continue;
            out.push_back(live);
            out.back().begun = since.value_or(live.begun) + live.after;
        }
    };
    if (auto const found = outside_.find(name); found != outside_.end()) take(found->second, {});
    auto const& known = service(name);
    auto const versions = of_version_.find(name);
    if (versions == of_version_.end()) return out;
    auto const version = versions->second.find(known.running);
    if (version != versions->second.end()) take(version->second, known.running_since);
    return out;
}

bool Site::fails(std::string const& name, std::string const& signal) const {
    if (timeline_.now() < service(name).starting_until) return true;
    auto const& known = service(name);
    auto const version = known.versions.find(known.running);
    // Old code on a schema that has moved on.
    if (version != known.versions.end() && version->second.schema != known.schema) return true;
    for (auto const& live : active(name, signal)) {
        if (random_.chance(live.fault.fails)) return true;
    }
    return false;
}

bool Site::answers(std::string const& name, SignalPolicy const& probe) const {
    for (auto const& live : active(name, probe.name)) {
        if (live.fault.slow_ms > double(probe.timeout / 1ms)) return false;
    }
    return !network_lost && !fails(name, probe.name) && !random_.chance(probe_noise);
}

SampleValue Site::sees(std::string const& name, SignalPolicy const& probe) {
    bool const ok = answers(name, probe);
    if (probe.kind == SignalKind::gauge) {
        if (network_lost) return UnknownValue{"timeout: simulated"};
        return GaugeValue{level(name, probe), ok ? "" : "tls: it does not verify", ok};
    }
    Duration latency = random_.between(5ms, 60ms);
    for (auto const& live : active(name, probe.name)) {
        if (live.fault.slow_ms <= 0) continue;
        auto const jitter = 0.8 + 0.4 * double(random_.in(0, 100)) / 100;
        latency = std::chrono::milliseconds(std::int64_t(live.fault.slow_ms * jitter));
    }
    if (!ok && latency < probe.timeout) return StateValue{false, "status: 503", latency};
    if (latency >= probe.timeout) return StateValue{false, "timeout: no answer", probe.timeout};
    return StateValue{true, "", latency};
}

bool Site::passes(std::string const& name) const { return !fails(name, "health"); }

double Site::level(std::string const& name, SignalPolicy const& signal) const {
    auto value = normal(name, signal.name).value;
    for (auto const& live : active(name, signal.name)) {
        if (live.fault.value) value = *live.fault.value;
        auto const minutes =
            std::chrono::duration<double, std::ratio<60>>(timeline_.now() - live.begun);
        value += live.fault.climbs * minutes.count();
    }
    if (signal.type == "tls") return value;
    return std::min(99.0, value + double(random_.in(-20, 20)) / 10);
}

Sample Site::request(std::string const& name, SignalPolicy const& signal) {
    Sample sample;
    sample.service = name;
    sample.signal = signal.name;
    auto const client = random_.in(1, clients_max);
    sample.client = "client-" + std::to_string(client);
    auto const& usual = normal(name, signal.name);
    if (!usual.by.empty()) sample.by = random_.pick(usual.by);
    bool bad = random_.chance(noise_) || timeline_.now() < service(name).starting_until;
    for (auto const& live : active(name, signal.name)) {
        if (!live.fault.by.empty() && live.fault.by != sample.by) continue;
        bad = bad || random_.chance(live.fault.fails) ||
              double(client) <= live.fault.clients * double(clients_max);
    }
    bool const switched_off = service(name).flag_off && !usual.by.empty();
    OutcomesValue value;
    if (bad && !switched_off) {
        value.failure = 1;
        value.reason = "status: 502";
    } else if (random_.chance(neutral_share)) {
        value.neutral = 1;
    } else {
        value.success = 1;
    }
    sample.value = std::move(value);
    return sample;
}

Sample Site::report(std::string const& name, SignalPolicy const& signal) {
    Sample sample;
    sample.service = name;
    sample.signal = signal.name;
    if (signal.kind == SignalKind::state) {
        bool const ok = !fails(name, signal.name);
        sample.value = StateValue{ok, ok ? "" : "full: no space left", 1ms};
    } else if (signal.kind == SignalKind::gauge) {
        sample.value = GaugeValue{level(name, signal)};
    } else {
        auto text = normal(name, signal.name).text;
        for (auto const& live : active(name, signal.name)) {
            if (!live.fault.text.empty()) text = live.fault.text;
        }
        sample.value = TextValue{std::move(text)};
    }
    return sample;
}

std::optional<Duration> Site::pause_before_next(std::string const& name, SignalPolicy const& signal)
    const {
    if (signal.is_probe) return std::nullopt;
    if (signal.kind != SignalKind::outcomes) return report_every;
    auto const rate = normal(name, signal.name).per_minute * traffic_.at(name);
    if (rate <= 0) return 1s;  // looked at again: traffic may return
    auto const share = 0.2 + 1.6 * double(random_.in(0, 1000)) / 1000;
    return std::chrono::milliseconds(std::max<std::int64_t>(1, std::int64_t(share * 60000 / rate)));
}

void Site::change(Process const& process) {
    auto& found = service(process.service);
    auto const& step = process.step;
    if (step.type == "git_checkout") {
        auto const to = word(step.params, "to");
        effects.push_back({process.service, step.type, found.running, to, timeline_.now()});
        start(process.service, to, random_.between(0s, follows_within));
    } else if (step.type == "file_edit") {
        effects.push_back({process.service, step.type, "on", "off", timeline_.now()});
        found.flag_off = true;
    }
}

}  // namespace rollbackd::situations

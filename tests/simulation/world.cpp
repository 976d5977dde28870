#include "tests/simulation/world.hpp"

namespace rollbackd::simulation {

using namespace std::chrono_literals;

bool Service::healthy(Time now) const {
    if (safe_mode) return true;
    if (down || now < starting_until) return false;
    if (flapping && (now / 7s) % 2 == 0) return false;
    auto const found = versions.find(running);
    if (found == versions.end()) return true;
    auto const& version = found->second;
    if (version.schema != schema) return false;
    return !version.bad_health || now < running_since + version.bad_after;
}

bool Service::serves(Time now) const {
    if (provider && !flag_off) return false;
    if (safe_mode) return true;
    if (!healthy(now)) return false;
    auto const found = versions.find(running);
    return found == versions.end() || !found->second.bad_requests ||
           now < running_since + found->second.bad_after;
}

bool World::answers(std::string const& name, SignalPolicy const&) const {
    return !network_lost && service(name).healthy(timeline_.now());
}

std::optional<SampleValue> World::faulty(Source const& source) {
    switch (source.fault) {
        case SourceFault::slow:
            return UnknownValue{"timeout: simulated"};
        case SourceFault::gone:
            return UnknownValue{"cannot_look: simulated"};
        case SourceFault::garbage:
            return UnknownValue{"garbage: simulated"};
        case SourceFault::hiccups:
            if (!random_.chance(0.4)) return std::nullopt;
            return UnknownValue{"garbage: simulated"};
        case SourceFault::stuck:
            return source.said;
        case SourceFault::none:
        case SourceFault::dammed:
        case SourceFault::twice:
        case SourceFault::late:
        case SourceFault::resets:
        case SourceFault::misdated:
            return std::nullopt;
    }
    return std::nullopt;
}

SampleValue World::sees(std::string const& name, SignalPolicy const& probe) {
    auto& source = sources[{name, probe.name}];
    if (auto said = faulty(source)) return *said;
    if (probe.kind != SignalKind::state) {
        source.said = measured(name, probe);
        return *source.said;
    }
    bool const ok = answers(name, probe);
    bool const hangs = !ok && random_.chance(0.2);
    source.said =
        StateValue{ok, ok ? "" : "refused: simulated", hangs ? probe.timeout : Duration(2ms)};
    return *source.said;
}

SampleValue World::measured(std::string const& name, SignalPolicy const& probe) {
    if (network_lost) return UnknownValue{"refused: simulated"};
    auto const& known = service(name);
    if (probe.kind == SignalKind::text) return TextValue{known.running};
    bool const high = known.hot || !known.serves(timeline_.now());
    auto const thousandths = high ? random_.in(80001, 99999) : random_.in(5001, 59999);
    return GaugeValue{double(thousandths) / 1000, "", {}};
}

SampleValue World::asked(std::string const& name, SignalPolicy const& probe) {
    if (auto said = faulty(sources[{name, probe.name}])) return *said;
    bool const ok = answers(name, probe);
    return StateValue{ok, ok ? "" : "refused: simulated", 1ms};
}

Duration World::takes(SignalPolicy const& probe, SampleValue const& value) {
    if (auto const* const state = std::get_if<StateValue>(&value)) return state->latency;
    auto const* const unknown = std::get_if<UnknownValue>(&value);
    bool const late = unknown != nullptr && unknown->reason.starts_with("timeout");
    return late ? probe.timeout : Duration(2ms);
}

bool World::passes(std::string const& name) const { return service(name).serves(timeline_.now()); }

namespace {

std::string word_of(Step const& step) {
    auto const* const argv = step.params.if_contains("argv");
    if (argv == nullptr || !argv->is_array() || argv->get_array().empty()) return {};
    return std::string(argv->get_array().front().get_string());
}

}  // namespace

bool World::can_work(std::string const& name, Step const& step) const {
    return !service(name).missing.contains(word_of(step));
}

StepFinding World::preflight(Plan const& plan, Step const& step) {
    bool const checks_out = step.type == "git_checkout" || word_of(step) == "rollback";
    bool const asked = step.type == "exec" || step.type == "git_checkout";
    bool const depends = word_of(step) == "back";
    if (!asked || depends || !step.when.empty()) return StepFinding::unasked;
    auto const& known = service(plan.service);
    auto const version = known.versions.find(plan.target.value_or(""));
    bool const there = version != known.versions.end() && version->second.present;
    bool const gone = checks_out && !there;
    if (random_.chance(preflight_hangs)) return StepFinding::unanswered;
    if (gone || !can_work(plan.service, step)) {
        return random_.chance(preflight_lies) ? StepFinding::ready : StepFinding::impossible;
    }
    return random_.chance(preflight_errs) ? StepFinding::impossible : StepFinding::ready;
}

std::string World::deploy(std::string const& name, bool bad) {
    auto& found = service(name);
    auto const version = "v" + std::to_string(found.next_version++);
    auto& made = found.versions[version];
    made.schema = found.schema;
    if (bad) {
        made.bad_health = random_.chance(0.6);
        made.bad_requests = !made.bad_health || random_.chance(0.3);
        if (random_.chance(0.25)) made.bad_after = random_.between(10s, 3min);
    }
    found.running = version;
    found.running_since = timeline_.now();
    found.starting_until = timeline_.now() + random_.between(0s, 4s);
    found.safe_mode = false;
    return version;
}

Process* World::find(Key const& key) {
    auto const found = processes_.find(key);
    return found == processes_.end() ? nullptr : &found->second;
}

Process* World::find(Key const& key, int node) {
    auto* const found = find(key);
    return found == nullptr || found->node != node ? nullptr : found;
}

Process& World::start(Process process) {
    Key const key{process.run, process.n, process.attempt};
    process.started = timeline_.now();
    auto& made = processes_[key] = std::move(process);
    witness_.process_started(made);
    auto const takes = random_.between(10ms, 8s);
    bool const lost = random_.chance(step_lost) && can_work(made.service, made.step);
    bool const hangs = !lost && can_work(made.service, made.step) && random_.chance(step_hangs);
    bool const fails = random_.chance(step_fails) || !can_work(made.service, made.step);
    bool const half = random_.chance(0.5);
    bool const idle = random_.chance(no_effect);
    auto kind = fails ? OutcomeKind::failed : OutcomeKind::done;
    bool effect = !fails && !idle;
    auto ends = takes;
    if (hangs) {
        ends = made.step.timeout;
        kind = OutcomeKind::unknown;
        effect = half;
    }
    timeline_.after(ends, [this, key, kind, effect, lost, half] {
        auto* const found = find(key);
        if (found == nullptr || !found->live) return;
        if (!lost) {
            end(key, kind, effect);
            return;
        }
        if (half) take_effect(*found);
        found->live = false;  // no exit is ever written
        witness_.process_gone(*found);
        if (found->waiter) found->waiter();
    });
    return made;
}

// Which backup it is follows from the run: drawn, it would move the rest of the seed's story.
BackupTime World::backup(Process const& process) const {
    auto const number = std::hash<std::string>{}(process.run) + process.n;
    auto const age = std::chrono::seconds(number * 131 % 600);
    auto const since = std::chrono::duration_cast<WallTime::duration>(timeline_.now() - age);
    auto const from = Machine::first_wall + since;
    return {from, number % 5 == 0 ? from + 1min : from};
}

void World::end(Key const& key, OutcomeKind kind, bool effect) {
    auto& process = processes_.at(key);
    if (effect) take_effect(process);
    process.live = false;
    witness_.process_gone(process);
    StepOutcome outcome;
    outcome.kind = kind;
    if (kind == OutcomeKind::done) outcome.exit = 0;
    if (kind == OutcomeKind::failed) outcome.exit = 1;
    outcome.text = to_string(kind);
    if (kind == OutcomeKind::done && !process.step.save.empty()) outcome.as_of = backup(process);
    process.exit = std::move(outcome);
    witness_.process_ended(process);
    if (process.waiter) process.waiter();
}

void World::take_effect(Process& process) {
    process.took_effect = true;
    witness_.effect(process);
    change(process);
}

void World::change(Process const& process) {
    auto const* const argv = process.step.params.if_contains("argv");
    if (argv == nullptr || !argv->is_array() || argv->get_array().empty()) return;
    auto const& words = argv->get_array();
    auto const word = std::string(words.front().get_string());
    auto& service = services.at(process.service);
    auto const now = timeline_.now();
    if ((word == "rollback" || word == "back") && words.size() > 1) {
        service.running = std::string(words[1].get_string());
        service.running_since = now;
        service.starting_until = now + random_.between(0s, 5s);
        service.safe_mode = false;
    } else if (word == "restart") {
        service.running_since = now;
        service.starting_until = now + random_.between(0s, 5s);
        if (random_.chance(0.3)) service.flapping = false;
    } else if (word == "flag-off") {
        service.flag_off = true;
    } else if (word == "safe-mode") {
        service.safe_mode = true;
    } else if (word == "migrate-down") {
        service.schema = 1;
    }
}

void World::abort(std::string const& run, std::uint32_t n, int node) {
    for (auto& [key, process] : processes_) {
        if (process.run != run || process.n != n || !process.live) continue;
        if (process.node != node) continue;
        bool const half = random_.chance(0.3);
        timeline_.after(random_.between(1ms, 500ms), [this, key = key, half] {
            auto* const found = find(key);
            if (found != nullptr && found->live) end(key, OutcomeKind::aborted, half);
        });
    }
}

OutcomeKind World::settle(std::string const& run, std::uint32_t n, Step const& step) {
    if (step.check.empty() || random_.chance(0.1)) return OutcomeKind::unknown;
    for (auto const* const list : {&processes_, &forgotten_}) {
        for (auto const& [key, process] : *list) {
            if (process.run == run && process.n == n && process.took_effect) {
                return OutcomeKind::done;
            }
        }
    }
    return OutcomeKind::failed;
}

void World::forget(std::string const& run, std::uint32_t n) {
    for (auto at = processes_.begin(); at != processes_.end();) {
        if (at->second.run == run && at->second.n == n && !at->second.live) {
            forgotten_.insert(processes_.extract(at++));
        } else {
            ++at;
        }
    }
}

void World::leave_processes(int node) {
    for (auto& [key, process] : processes_) {
        if (process.node == node) process.waiter = nullptr;
    }
}

void World::lose_processes() {
    for (auto& [key, process] : processes_) {
        if (process.live) witness_.process_gone(process);
        process.live = false;
        process.waiter = nullptr;
    }
}

}  // namespace rollbackd::simulation

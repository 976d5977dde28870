#include "cli/rehearsal/stage.hpp"

#include "core/ensure.hpp"

#include <algorithm>

namespace rollbackd::cli {

namespace {

using namespace std::chrono_literals;

bool asks_playbooks(Policy const& policy) {
    for (auto const& service : policy.services) {
        for (auto const& trigger : service.triggers) {
            if (!trigger.when.playbooks().empty()) return true;
        }
    }
    return false;
}

std::string program_of(std::vector<std::string> const& argv) {
    if (argv.empty()) return {};
    return argv.front().substr(argv.front().rfind('/') + 1);
}

bool is_well(std::optional<SampleValue> const& value) {
    if (!value) return false;
    auto const* const state = std::get_if<StateValue>(&*value);
    return state == nullptr || state->ok;
}

}  // namespace

Stage::Stage(std::shared_ptr<Policy const> policy, Now begin)
    : Rehearsal(std::move(policy), begin), asks_playbooks_(asks_playbooks(engine.policy())) {}

void Stage::plan(Instant when, std::function<void()> what) {
    agenda_.emplace(std::max(when, now.boot), std::move(what));
}

Stage::Sight Stage::look(std::string const&, SignalPolicy const&) const { return {}; }

void Stage::watch(std::string const& service, SignalPolicy const& probe) {
    probes_.push_back({service, probe, {}});
}

Instant Stage::due(Probe const& probe) const {
    if (!probe.last) return now.boot;
    return std::max(now.boot, *probe.last + engine.pace(probe.service, probe.policy));
}

void Stage::ask(Probe& probe) {
    probe.last = now.boot;
    auto sight = look(probe.service, probe.policy);
    if (!sight.value) return;
    Sample sample;
    sample.service = probe.service;
    sample.signal = probe.policy.name;
    sample.at = now.boot;
    sample.value = std::move(*sight.value);
    observe(std::span(&sample, 1));
}

bool Stage::act_now() {
    if (auto const first = agenda_.begin(); first != agenda_.end() && first->first <= now.boot) {
        auto const what = std::move(first->second);
        agenda_.erase(first);
        what();
        settled();
        return true;
    }
    for (auto& probe : probes_) {
        if (due(probe) > now.boot || probe.last == now.boot) continue;
        ask(probe);
        settled();
        return true;
    }
    return false;
}

void Stage::run_until(Instant end) {
    settled();
    if (asks_playbooks_ && !std::exchange(looked_, true)) look_at_playbooks();
    while (true) {
        while (act_now()) {
        }
        auto next = std::min(end, engine.next_deadline());
        if (!agenda_.empty()) next = std::min(next, agenda_.begin()->first);
        for (auto const& probe : probes_) next = std::min(next, due(probe));
        bool const over = next >= end && now.boot >= end;
        pass(std::max(next, now.boot) - now.boot);
        settled();
        bool const more = !agenda_.empty() && agenda_.begin()->first <= now.boot;
        if (over && !more) return;
    }
}

// Once here, and again when what may be gone back to has changed.
void Stage::look_at_playbooks() {
    for (auto const& service : engine.policy().services) {
        for (auto const& playbook : service.playbooks) {
            auto const plan = engine.plan(service.name, playbook.name, playbook.inputs, now);
            send(ReadinessSeen{service.name, playbook.name, plan ? "" : plan.error().what});
        }
    }
}

Answer Stage::answer(AskFresh const& ask) {
    Answer out;
    if (ask.references && references_fail) {
        out.blind = true;
        out.blind_text = "all references fail: simulated";
    }
    for (auto const& name : ask.dependencies) {
        auto const* const service = engine.policy().service(name);
        if (service == nullptr) continue;
        for (auto const& signal : service->signals) {
            if (!signal.is_probe || signal.kind != SignalKind::state) continue;
            auto const sight = look(name, signal);
            if (sight.told && !is_well(sight.value)) {
                out.failing.push_back({name, signal.name, sight.value ? "simulated" : "no answer"});
            }
        }
    }
    if (ask.schema) {
        out.schema_asked = true;
        out.schema = schema;
    }
    for (auto const& plan : ask.plans) out.asked.insert(plan.hash);
    return out;
}

ReleaseFacts Stage::facts_of(std::string const& service) const {
    ReleaseFacts facts;
    auto const* const policy = engine.policy().service(service);
    if (policy != nullptr && !policy->release.schema_type.empty()) facts.schema = schema;
    return facts;
}

Behaviour Stage::behaviour_of(Step const& step) const {
    for (auto const& name : {step.name, step.type}) {
        if (auto const found = behaviours.find(name); found != behaviours.end()) {
            return found->second;
        }
    }
    return {};
}

void Stage::carry_out(std::vector<Command> commands) {
    for (auto const& command : commands) {
        std::visit([this](auto const& one) { perform(one); }, command);
    }
}

void Stage::perform(AskFresh const& ask) {
    plan(now.boot, [this, ask] { send(Answered{ask.incident, ask.ask, answer(ask)}); });
}

void Stage::perform(StartStep const& start) {
    auto const behaviour = behaviour_of(start.step);
    bool const late = behaviour.takes > start.step.timeout;
    running_[{start.run, start.n}] = start;
    plan(now.boot + std::min(behaviour.takes, start.step.timeout), [this, start, behaviour, late] {
        auto const found = running_.find({start.run, start.n});
        if (found == running_.end() || found->second.attempt != start.attempt) return;
        if (late) {
            end_step(start, OutcomeKind::unknown, "timeout (simulated)");
        } else {
            end_step(start, behaviour.ends, "simulated");
        }
    });
}

void Stage::perform(AdoptStep const& adopt) {
    perform(StartStep{adopt.run, adopt.n, adopt.attempt, adopt.step, adopt.service, adopt.incident}
    );
}

void Stage::end_step(StartStep const& start, OutcomeKind kind, std::string text) {
    running_.erase({start.run, start.n});
    StepEnded ended;
    ended.run = start.run;
    ended.n = start.n;
    ended.attempt = start.attempt;
    ended.outcome.kind = kind;
    ended.outcome.text = std::move(text);
    if (kind != OutcomeKind::unknown) ended.outcome.exit = kind == OutcomeKind::done ? 0 : 1;
    send(std::move(ended));
}

void Stage::perform(SettleStep const& settle) {
    plan(std::max(now.boot, settle.not_before), [this, settle] {
        StepSettled settled_step;
        settled_step.run = settle.run;
        settled_step.n = settle.n;
        settled_step.outcome.kind = behaviour_of(settle.step).settles;
        settled_step.outcome.text = "its check says so (simulated)";
        send(std::move(settled_step));
    });
}

void Stage::perform(AbortStep const& abort) {
    plan(now.boot, [this, abort] {
        auto const found = running_.find({abort.run, abort.n});
        if (found == running_.end()) return;
        auto const start = found->second;
        end_step(start, OutcomeKind::aborted, "aborted (simulated)");
    });
}

void Stage::perform(RunCheck const& check) {
    plan(now.boot, [this, check] {
        auto const found = behaviours.find(program_of(check.argv));
        bool const passed = found == behaviours.end() || found->second.ends == OutcomeKind::done;
        send(CheckEnded{check.run, check.n, check.success_list, passed, "simulated"});
    });
}

Stage::InEffect Stage::in_effect(std::string const& service) const {
    auto const found = in_effect_.find(service);
    return found == in_effect_.end() ? InEffect{} : found->second;
}

// What waits for the service comes after what has changed it: from there on it is as the run wants.
void Stage::take_effect(std::string const& run_id) {
    auto const [incident, run] = engine.state().run(run_id);
    if (run == nullptr) return;
    carried_out.try_emplace(run->plan.playbook, now.boot);
    if (run->plan.target) in_effect_[run->plan.service] = {*run->plan.target, now.boot};
}

void Stage::follow_versions() {
    for (auto const& [name, service] : engine.state().services) {
        auto& recorded = recorded_[name];
        if (recorded.version == service.current) continue;
        recorded = {service.current, now.boot};
        if (in_effect_[name].version != service.current) in_effect_[name] = recorded;
    }
}

void Stage::applied(Record const& record) {
    auto const body = read_body(record);
    ensure(body.has_value(), "the engine understands its own record");
    if (auto const* const queued = std::get_if<MessageQueued>(&*body)) {
        plan(queued->message.not_before, [this, id = queued->message.id] {
            if (!engine.state().outbox.contains(id)) return;
            MessageDelivered delivered;
            delivered.id = id;
            delivered.ok = true;
            send(std::move(delivered));
        });
    } else if (auto const* const verifying = std::get_if<RunVerifying>(&*body)) {
        take_effect(verifying->run);
    } else if (auto const* const intent = std::get_if<StepIntent>(&*body)) {
        auto const [incident, run] = engine.state().run(intent->run);
        bool const waits = run != nullptr && intent->n <= run->steps.size() &&
                           run->steps[intent->n - 1].type == "wait_until";
        if (waits) take_effect(intent->run);
    } else if (std::holds_alternative<DeploymentRecorded>(*body) && asks_playbooks_) {
        plan(now.boot, [this] { look_at_playbooks(); });
    }
    follow_versions();
}

}  // namespace rollbackd::cli

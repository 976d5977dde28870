// Commands carried out, as daemon/hands.cpp, daemon/asker.cpp and the step runner do it.
#include "engine/records.hpp"
#include "tests/simulation/shell.hpp"

namespace rollbackd::simulation {

using namespace std::chrono_literals;

void Shell::carry_out(Command command) {
    struct Visitor {
        Shell& shell;
        void operator()(AskFresh& c) {
            auto const id = c.incident;
            auto const ask = c.ask;
            shell.ask(std::move(c), [this_ = &shell, id, ask](Answer answer) {
                this_->parts_.witness.answered(id, answer);
                this_->post(Answered{id, ask, std::move(answer)});
            });
        }
        void operator()(StartStep& c) {
            auto& random = shell.parts_.random;
            shell.later(random.between(0ms, 30ms), [this_ = &shell, c] {
                this_->operator_step(c);
            });
        }
        void operator()(AdoptStep& c) {
            (*this)(*std::make_unique<StartStep>(
                StartStep{c.run, c.n, c.attempt, c.step, c.service, c.incident}
            ));
        }
        void operator()(SettleStep& c) {
            auto const takes = shell.parts_.random.between(1ms, 3s);
            auto const wait = c.not_before - shell.parts_.machine.now().boot;
            shell.later(std::max(takes, wait), [this_ = &shell, c] { this_->settle(c); });
        }
        void operator()(AbortStep& c) {
            shell.aborted_.insert({c.run, c.n});
            shell.parts_.world.abort(c.run, c.n, shell.parts_.node);
        }
        void operator()(RunCheck& c) {
            auto& random = shell.parts_.random;
            shell.later(random.between(10ms, 4s), [this_ = &shell, c] { this_->check(c); });
        }
    };
    std::visit(Visitor{*this}, command);
}

// Claims the step and starts it, or finds the one that was started before.
void Shell::operator_step(StartStep command) {
    if (!may_act()) {
        if (lives()) later(retry_after, [this, command] { operator_step(command); });
        return;
    }
    auto& world = parts_.world;
    World::Key const key{command.run, command.n, command.attempt};
    if (world.find(key, parts_.node) == nullptr) {
        if (aborted_.contains({command.run, command.n})) {
            StepOutcome outcome;
            outcome.kind = OutcomeKind::aborted;
            post(StepEnded{command.run, command.n, command.attempt, std::move(outcome)});
            return;
        }
        Process process;
        process.run = command.run;
        process.n = command.n;
        process.attempt = command.attempt;
        process.service = command.service;
        process.node = parts_.node;
        process.step = command.step;
        world.start(std::move(process));
    }
    wait_for(key, std::move(command));
}

void Shell::wait_for(World::Key key, StartStep command) {
    auto const over = [this, key, command] {
        auto const* const process = parts_.world.find(key);
        StepOutcome outcome;
        outcome.text = "nobody knows what became of it";
        if (process != nullptr && process->exit) outcome = *process->exit;
        later(parts_.random.between(0ms, 20ms), [this, command, outcome] {
            post(StepEnded{command.run, command.n, command.attempt, outcome});
        });
    };
    auto* const process = parts_.world.find(key);
    if (!process->live) {
        over();
        return;
    }
    process->waiter = [this, life = life_, over] {
        if (!lives() || life != life_) return;
        if (paused_) {
            slept_.push_back(over);
        } else {
            over();
        }
    };
}

void Shell::settle(SettleStep const& command) {
    StepSettled event;
    event.run = command.run;
    event.n = command.n;
    event.outcome.kind = parts_.world.settle(command.run, command.n, command.step);
    event.outcome.text = "its check says so";
    post(std::move(event));
}

void Shell::check(RunCheck const& command) {
    CheckEnded event;
    event.run = command.run;
    event.n = command.n;
    event.success_list = command.success_list;
    auto const [incident, run] = engine_->state().run(command.run);
    if (incident == nullptr) return;
    event.passed = parts_.world.passes(incident->service);
    event.text = event.passed ? "exit 0" : "exit 1";
    parts_.witness.check_ended(event);
    post(std::move(event));
}

// Everything asked at once, answered within two seconds; what has not answered by then has failed.
void Shell::ask(AskFresh question, std::function<void(Answer)> then) {
    auto const slow = parts_.world.references_slow || parts_.random.chance(0.05);
    auto const takes = slow ? Duration(2s) : parts_.random.between(1ms, 400ms);
    auto const begun = parts_.machine.now().boot;
    later(takes, [this, begun, question = std::move(question), then = std::move(then)] {
        std::vector<Answer::Failing> failing;
        for (auto const& name : question.dependencies) {
            for (auto const& probe : probes_of(name)) {
                Sample sample;
                sample.service = name;
                sample.signal = probe.name;
                sample.at = begun;
                sample.value = parts_.world.asked(name, probe);
                bool const blind = std::holds_alternative<UnknownValue>(sample.value);
                if (blind || is_failure(sample)) failing.push_back({name, probe.name, "simulated"});
                ingest(std::move(sample));
                if (!lives()) return;
            }
        }
        auto answer = look(question);
        answer.failing = std::move(failing);
        then(std::move(answer));
    });
}

std::vector<SignalPolicy> Shell::probes_of(std::string const& name) const {
    std::vector<SignalPolicy> out;
    auto const* const service = engine_->policy().service(name);
    if (service == nullptr) return out;
    for (auto const& signal : service->signals) {
        if (signal.is_probe && signal.kind == SignalKind::state) out.push_back(signal);
    }
    return out;
}

Answer Shell::look(AskFresh const& question) {
    Answer answer;
    auto const& world = parts_.world;
    if (question.references && world.network_lost) {
        answer.blind = true;
        answer.blind_text = "all references fail: timeout";
    }
    auto const& service = world.service(question.service);
    if (question.schema) {
        answer.schema_asked = true;
        if (world.network_lost) {
            answer.schema_error = "no answer within 2 s";
        } else {
            answer.schema = std::to_string(service.schema);
        }
    }
    for (auto const& plan : question.plans) ask_steps(plan, answer);
    return answer;
}

void Shell::ask_steps(Plan const& plan, Answer& answer) {
    answer.asked.insert(plan.hash);
    std::uint32_t n = 0;
    for (auto const* const list : {&plan.steps, &plan.always}) {
        for (auto const& step : *list) {
            auto const found = parts_.world.preflight(plan, step);
            answer.looks.push_back({plan.playbook, ++n, step.name, found, to_string(found)});
            bool const objects = found == StepFinding::impossible;
            if (objects) answer.preflight.try_emplace(plan.playbook, "step " + step.name);
        }
    }
}

// Claims and outputs are kept only until what became of the step is durable.
void Shell::forget_what_ended(Record const& record) {
    if (record.kind != "step.ended") return;
    auto const body = read_body(record);
    if (!body) return;
    auto const& step = std::get<StepEndedRecord>(*body);
    if (step.state != StepState::unknown) parts_.world.forget(step.run, step.n);
}

void Shell::watch_blindness() {
    if (watching_blindness_) return;
    bool blind = false;
    for (auto const& [name, service] : engine_->state().services) {
        auto const* const incident = engine_->state().incident(service.incident);
        if (incident == nullptr) continue;
        for (auto const& refusal : incident->refusals) {
            if (refusal.guard == Guard::blind) blind = true;
        }
    }
    if (!blind) return;
    watching_blindness_ = true;
    later(2s, [this] {
        watching_blindness_ = false;
        if (!parts_.world.network_lost) {
            post(BlindEnded{});
        } else {
            watch_blindness();
        }
    });
}

}  // namespace rollbackd::simulation

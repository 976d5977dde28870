#include "tests/engine/support/world.hpp"

#include "core/ensure.hpp"

#include <algorithm>

namespace rollbackd::testing {

namespace {
Now const begin{
    Instant(1000000s), WallTime(std::chrono::sys_days(std::chrono::year(2026) / 1 / 31))
};

Step exec_step(std::string name) {
    Step step;
    step.name = std::move(name);
    step.type = "exec";
    step.params = JsonObject{{"argv", JsonArray{"true"}}};
    step.timeout = 60s;
    return step;
}

Answer with_steps(Answer answer, AskFresh const& ask) {
    for (auto const& plan : ask.plans) answer.asked.insert(plan.hash);
    return answer;
}
}  // namespace

Condition condition(std::string_view text) {
    auto parsed = Condition::parse(text);
    ensure(parsed.has_value(), "the test's condition parses");
    return std::move(*parsed);
}

Policy shop_policy() {
    ServicePolicy shop;
    shop.name = "shop";
    shop.limits.cooldown = 0s;
    SignalPolicy health;
    health.name = "health";
    health.type = "http";
    health.is_probe = true;
    health.every = 5s;
    health.timeout = 2s;
    health.confirm_every = 500ms;
    health.stale_after = 17s;
    SignalPolicy webhooks;
    webhooks.name = "webhooks";
    webhooks.type = "push";
    webhooks.kind = SignalKind::outcomes;
    SignalPolicy requests = webhooks;
    requests.name = "requests";
    shop.signals = {health, webhooks, requests};

    Playbook rollback;
    rollback.name = "code-rollback";
    rollback.undoes = Undoes::release;
    auto checkout = exec_step("checkout");
    checkout.params =
        JsonObject{{"argv", JsonArray{"git", "checkout", "{{ known_good.version }}"}}};
    rollback.steps = {checkout, exec_step("restart")};
    rollback.verify = {{CheckKind::until, "ok(health)", 60s, {}, {}, {}}};
    Playbook off;
    off.name = "payments-off";
    off.steps = {exec_step("flag")};
    shop.playbooks = {rollback, off};

    TriggerPolicy down;
    down.name = "down";
    down.when = condition("consecutive_failures(health) >= 3");
    down.severity = Severity::P0;
    down.response = Response{ResponseKind::ladder, {{"code-rollback", {}}}};
    TriggerPolicy payments;
    payments.name = "webhooks";
    payments.when = condition("consecutive_failures(webhooks) > 3");
    payments.severity = Severity::P0;
    payments.response =
        Response{ResponseKind::ladder, {{"code-rollback", {}}, {"payments-off", {}}}};
    shop.triggers = {down, payments};

    Policy policy;
    policy.daemon.autonomy = Autonomy::enforce;
    policy.channels = {{"ops", "webhook", {}, ""}};
    policy.matrix = default_matrix();
    policy.services = {shop};
    policy.hash = "h";
    return policy;
}

World::World(Policy made) : World(std::make_shared<Policy>(std::move(made))) {}

World::World(std::shared_ptr<Policy> made) : Rehearsal(made, begin), policy(std::move(made)) {}

void World::carry_out(std::vector<Command> made) {
    for (auto& command : made) commands.push_back(std::move(command));
    if (!commands.empty() && asks_steps_alone(commands.back())) {
        auto const ask = std::get<AskFresh>(commands.back());
        commands.pop_back();
        auto const said = reply;
        send(Answered{ask.incident, ask.ask, with_steps({}, ask)});
        reply = said;
    }
}

// Nothing but whether the steps of what undoes nothing could work.
bool World::asks_steps_alone(Command const& command) const {
    auto const* const ask = std::get_if<AskFresh>(&command);
    if (steps_wait || ask == nullptr) return false;
    bool const of_a_release =
        std::any_of(ask->plans.begin(), ask->plans.end(), [](Plan const& plan) {
            return plan.target.has_value();
        });
    return !ask->references && ask->dependencies.empty() && !ask->schema && !of_a_release;
}

void World::sample(Sample made) { observe(std::span(&made, 1)); }

void World::probe(bool ok, std::string const& signal) {
    sample(
        {"shop", signal, now.boot, StateValue{ok, ok ? "" : "refused: test", 1ms}, {}, {}, {}, true}
    );
}

void World::push(bool ok, std::string const& signal, std::string const& id) {
    OutcomesValue value;
    (ok ? value.success : value.failure) = 1;
    sample({"shop", signal, now.boot, value, id, {}, {}, true});
}

void World::deploy(std::string const& version, bool known_good) {
    DeploymentPosted posted;
    posted.actor = {"ci", "ingest"};
    posted.service = "shop";
    posted.version = version;
    posted.known_good = known_good;
    send(posted);
}

void World::release_v2() {
    deploy("v1", true);
    for (int i = 0; i < 5; ++i) {
        pass(5s);
        probe(true);
        push(true);
        push(true, "requests");
    }
    deploy("v2");
    pass(25s);
    probe(true);
}

bool World::answer(Answer given) {
    bool asked = false;
    // A rung that is passed over leaves the way to the next, whose steps are asked in their turn.
    while (auto const ask = take<AskFresh>()) {
        asked = true;
        send(Answered{ask->incident, ask->ask, with_steps(given, *ask)});
    }
    return asked;
}

bool World::end_step(OutcomeKind kind) {
    auto const start = take<StartStep>();
    if (!start) return false;
    StepOutcome outcome;
    outcome.kind = kind;
    send(StepEnded{start->run, start->n, start->attempt, outcome});
    return true;
}

Incident const* World::incident(std::string const& id) const { return engine.state().incident(id); }

std::vector<std::string> World::kinds() const {
    std::vector<std::string> out;
    for (auto const& record : journal) out.push_back(record.kind);
    return out;
}

bool World::has_refusal(std::string const& letter, Guard guard) const {
    auto const* const found = incident();
    if (found == nullptr) return false;
    for (auto const& refusal : found->refusals) {
        if (refusal.letter == letter && refusal.guard == guard) return true;
    }
    return false;
}

Engine World::replayed() const {
    Engine other(policy, now, boot);
    for (auto const& record : journal) other.apply(record);
    return other;
}

}  // namespace rollbackd::testing

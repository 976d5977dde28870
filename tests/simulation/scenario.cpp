#include "tests/simulation/scenario.hpp"

#include "tests/simulation/tape.hpp"

#include <algorithm>

namespace rollbackd::simulation {

namespace {

using namespace std::chrono_literals;

Step exec_step(std::string name, JsonArray argv, Random& random) {
    Step step;
    step.name = std::move(name);
    step.type = "exec";
    step.params = JsonObject{{"argv", std::move(argv)}};
    step.timeout = random.between(10s, 40s);
    if (random.chance(0.25)) step.idempotent = true;
    if (random.chance(0.35)) step.check = {"check-" + step.name};
    bool const repeatable = step.idempotent || !step.check.empty();
    if (repeatable && random.chance(0.4)) step.retries = std::uint32_t(random.in(1, 2));
    step.approval = random.chance(0.04);
    return step;
}

Step other_step(Random& random, std::size_t n) {
    Step step;
    step.timeout = random.between(20s, 60s);
    auto const number = std::to_string(n);
    switch (random.below(3)) {
        case 0:
            step.name = "manual-" + number;
            step.type = "manual";
            step.params = JsonObject{{"say", "turn the valve"}};
            break;
        case 1:
            step.name = "wait-" + number;
            step.type = "wait_until";
            step.params = JsonObject{{"until", "ok(health)"}, {"within", step.timeout.count()}};
            break;
        default:
            step.name = "notify-" + number;
            step.type = "notify";
            step.params = JsonObject{{"to", ""}, {"text", "half-way there"}};
    }
    return step;
}

Check random_check(Random& random, Duration settle, bool success) {
    Check check;
    switch (random.below(success ? 3 : 5)) {
        case 0:
            check.kind = CheckKind::hold;
            check.condition = random.chance(0.5) ? "ok(health)" : "failures(requests, 30s) == 0";
            check.limit = random.between(5s, std::min<Duration>(settle, 20s));
            return check;
        case 1:
            check.kind = CheckKind::run;
            check.argv = {"smoke"};
            return check;
        default:
            check.kind = CheckKind::until;
            check.condition = "ok(health)";
            check.limit = random.between(10s, settle);
            return check;
    }
}

// Drawn aside: what is drawn here moves nothing else of the seed's story.
void add_reminders(Playbook& playbook, Random random) {
    if (!random.chance(0.4)) return;
    auto const entries = std::uint32_t(random.in(1, 2));
    for (std::uint32_t entry = 1; entry <= entries; ++entry) {
        playbook.follow_up.push_back("look again at {{ service }}");
        auto const every = random.between(5s, 90s);
        playbook.reminders.push_back({entry, every, every * random.in(1, 8) + 1s});
    }
}

void fill(Playbook& playbook, Random& random, Duration settle) {
    if (random.chance(0.12)) {
        auto const at = random.below(playbook.steps.size() + 1);
        playbook.steps.insert(
            playbook.steps.begin() + std::ptrdiff_t(at), other_step(random, at + 1)
        );
    }
    if (random.chance(0.15)) {
        playbook.always.push_back(exec_step("cleanup", JsonArray{"cleanup"}, random));
        playbook.always.back().approval = false;
    }
    auto const checks = random.below(3);
    for (std::uint64_t i = 0; i < checks; ++i) {
        playbook.verify.push_back(random_check(random, settle, false));
    }
    if (random.chance(0.04)) {
        playbook.verify.push_back({CheckKind::manual, {}, {}, {}, "the shop looks right", {}});
    }
    if (random.chance(0.2)) playbook.success.push_back(random_check(random, settle, true));
    auto& maybe = playbook.steps[random.below(playbook.steps.size())];
    if (maybe.type == "exec" && random.chance(0.15)) {
        maybe.when = random.chance(0.7) ? "failed(health)" : "ok(health)";
    }
    if (random.chance(0.3)) playbook.budget = random.between(20s, 4min);
    if (random.chance(0.2)) playbook.locks = {"shared"};
    if (random.chance(0.08)) playbook.approval = true;
    if (random.chance(0.1)) {
        playbook.duties.push_back({"tell", "tell the customers", 5min, DutyFrom::recovery, ""});
    }
    add_reminders(playbook, Random(Random(random).next()));
}

// Drawn aside: the release goes back with the data, to the version that belongs to the backup.
void add_version(Playbook& restore, Random random) {
    if (!random.chance(0.5)) return;
    auto const data =
        std::find_if(restore.steps.begin(), restore.steps.end(), [](Step const& step) {
            return step.name.starts_with("restore");
        });
    data->save = "restored";
    auto back = exec_step("back", JsonArray{"back", "{{ steps.restored.version }}"}, random);
    restore.steps.insert(std::next(data), std::move(back));
}

std::vector<Playbook> make_playbooks(Random& random, Duration settle) {
    std::vector<Playbook> out;
    auto const add = [&](std::string name, std::vector<std::string> words) -> Playbook& {
        Playbook playbook;
        playbook.name = std::move(name);
        std::size_t n = 0;
        for (auto const& word : words) {
            JsonArray argv{word.c_str()};
            if (word == "rollback") argv.push_back("{{ known_good.version }}");
            playbook.steps.push_back(
                exec_step(word + "-" + std::to_string(++n), std::move(argv), random)
            );
        }
        fill(playbook, random, settle);
        out.push_back(std::move(playbook));
        return out.back();
    };
    std::vector<std::string> words;
    if (random.chance(0.3)) words.emplace_back("evidence");
    words.emplace_back("rollback");
    if (random.chance(0.6)) words.emplace_back("restart");
    auto& rollback = add("code-rollback", words);
    rollback.undoes = Undoes::release;
    if (random.chance(0.1)) rollback.data_loss = DataLoss::possible;
    add("restart", {"restart"});
    add("flag-off", {"flag-off"});
    add("safe-mode", {"safe-mode"});
    auto& restore = add("restore", {"evidence", "restore"});
    restore.undoes = Undoes::data;
    restore.data_loss = DataLoss::certain;
    restore.steps.back().destructive = true;
    add_version(restore, Random(Random(random).next()));
    auto& down = add("migrate-down", {"evidence", "migrate-down"});
    down.undoes = Undoes::schema;
    for (auto& playbook : out) {
        if (!random.chance(0.12)) continue;
        auto const& next = random.pick(out).name;
        if (next != playbook.name) playbook.on_failure = {next};
    }
    return out;
}

std::vector<SignalPolicy> make_signals(Random& random) {
    SignalPolicy health;
    health.name = "health";
    health.type = "http";
    health.is_probe = true;
    health.every = random.between(5s, 10s);
    health.timeout = 2s;
    health.confirm_every = random.between(500ms, 2s);
    health.stale_after = 3 * health.every + health.timeout;
    SignalPolicy requests;
    requests.name = "requests";
    requests.type = "push";
    requests.kind = SignalKind::outcomes;
    if (random.chance(0.3)) requests.stale_after = random.between(30s, 90s);
    // Nobody's condition: what it amounts to is compared with the tape it is read from.
    SignalPolicy events;
    events.name = tape_signal;
    events.type = "access_log";
    events.kind = SignalKind::outcomes;
    events.by = "provider";
    return {health, requests, events};
}

Meaning random_meaning(Random& random) {
    Meaning out;
    out.signal = random.chance(0.5) ? "health" : "requests";
    out.window = std::chrono::round<std::chrono::seconds>(random.between(30s, 120s));
    switch (random.below(5)) {
        case 0:
            out.kind = Meaning::Kind::ratio;
            out.signal = "requests";
            out.limit = random.in(1, 4) * 10;
            out.min_count = std::uint64_t(random.in(3, 12));
            break;
        case 1:
            out.kind = Meaning::Kind::count;
            out.limit = random.in(2, 6);
            break;
        case 2:
            out.kind = Meaning::Kind::failed;
            out.signal = "health";
            break;
        default:
            out.kind = Meaning::Kind::streak;
            out.limit = random.in(2, 5);
    }
    return out;
}

Response random_ladder(Random& random) {
    static std::vector<std::vector<std::string>> const ladders{
        {"code-rollback"},
        {"code-rollback"},
        {"code-rollback", "safe-mode"},
        {"restart", "code-rollback"},
        {"restart", "code-rollback", "flag-off"},
        {"code-rollback", "restore"},
        {"code-rollback", "migrate-down", "safe-mode"},
        {"flag-off"},
        {"restart"},
        {"flag-off", "code-rollback"},
        {"restore"},
        {"migrate-down", "code-rollback"},
    };
    Response response;
    response.kind = ResponseKind::ladder;
    for (auto const& name : random.pick(ladders)) {
        Rung rung{name, {}};
        if (random.chance(0.2)) rung.within = random.between(30s, 150s);
        response.rungs.push_back(std::move(rung));
    }
    return response;
}

TriggerPolicy make_trigger(Scenario& scenario, Random& random, std::size_t n) {
    TriggerPolicy trigger;
    trigger.name = "t" + std::to_string(n);
    Meanings meanings{random_meaning(random)};
    bool const absence = random.chance(0.1);
    if (absence) {
        meanings.front().kind = Meaning::Kind::absent;
        meanings.front().signal = "requests";
    } else if (random.chance(0.15)) {
        meanings.push_back(random_meaning(random));
        // min_count is the trigger's: a ratio stands alone.
        auto const ratio = [](Meaning const& m) { return m.kind == Meaning::Kind::ratio; };
        if (ratio(meanings.front()) || ratio(meanings.back())) meanings.pop_back();
    }
    std::string text;
    for (auto const& meaning : meanings)
        text += (text.empty() ? "" : " or ") + condition_text(meaning);
    auto const min_count = meanings.front().min_count;
    if (min_count > 1) trigger.rules.min_count = min_count;
    trigger.when = parsed(text);
    scenario.meanings[text + "#" + std::to_string(min_count)] = meanings;
    trigger.severity = Severity(random.below(4));
    bool const alerts = absence || random.chance(0.15);
    trigger.response = random_ladder(random);
    if (alerts) trigger.response = Response{ResponseKind::alert, {}};
    if (!absence && random.chance(0.06)) trigger.response->kind = ResponseKind::propose;
    if (random.chance(0.25)) trigger.for_ = random.between(1s, 30s);
    if (random.chance(0.3)) trigger.resolve_after.samples = std::uint32_t(random.in(1, 4));
    if (random.chance(0.1)) trigger.resolve_after.duration = random.between(5s, 40s);
    if (random.chance(0.1)) trigger.within = random.between(30s, 120s);
    trigger.approval = random.chance(0.08);
    if (random.chance(0.12)) trigger.autonomy = Autonomy(random.below(3));
    if (random.chance(0.15)) trigger.blame = Blame::any;
    trigger.only_after_deploy = random.chance(0.05);
    if (random.chance(0.15)) trigger.deadline = random.between(1min, 5min);
    return trigger;
}

Limits random_limits(Random& random) {
    Limits limits;
    limits.runs_per_hour = std::uint32_t(random.in(1, 5));
    limits.runs_per_day = std::uint32_t(random.in(2, 8));
    limits.cooldown = random.chance(0.4) ? 0s : random.between(10s, 5min);
    limits.settle = random.between(20s, 90s);
    limits.approval_timeout = random.between(30s, 4min);
    return limits;
}

ServicePolicy make_service(Scenario& scenario, Random& random, std::size_t n) {
    ServicePolicy service;
    service.name = "s" + std::to_string(n);
    service.watch_window = random.between(2min, 12min);
    service.bake = random.between(1min, 6min);
    static std::vector<Duration> const periods{0s, 0s, 5s, 20s};
    service.start_period = random.pick(periods);
    service.limits = random_limits(random);
    if (random.chance(0.1)) service.autonomy = Autonomy(random.below(3));
    if (random.chance(0.15)) service.locks = {"shared"};
    if (random.chance(0.25)) service.release.schema_type = "command";
    service.signals = make_signals(random);
    service.playbooks = make_playbooks(random, service.limits.settle);
    auto const triggers = std::size_t(random.in(1, 4));
    for (std::size_t i = 1; i <= triggers; ++i) {
        service.triggers.push_back(make_trigger(scenario, random, i));
    }
    if (random.chance(0.1)) {
        service.duties.push_back({"log", "write it down", 4min, DutyFrom::detection, ""});
    }
    return service;
}

// Drawn aside: what is drawn here moves nothing else of the seed's story.
void add_answers(Policy& policy, Random random) {
    policy.daemon.respond_within.clear();
    if (random.chance(0.6)) policy.daemon.respond_within[Severity::P0] = random.between(30s, 3min);
    if (random.chance(0.4)) policy.daemon.respond_within[Severity::P1] = random.between(1min, 5min);
    if (policy.channels.size() > 1 && random.chance(0.7)) policy.channels[0].fallback = "pager";
}

}  // namespace

Scenario make_scenario(Random& random, double further) {
    Scenario scenario;
    auto policy = std::make_shared<Policy>();
    policy->daemon.autonomy = random.chance(0.85) ? Autonomy::enforce : Autonomy::advise;
    if (random.chance(0.04)) policy->daemon.autonomy = Autonomy::observe;
    auto const references = random.below(3);
    for (std::uint64_t i = 1; i <= references; ++i) {
        SignalPolicy reference;
        reference.name = "ref-" + std::to_string(i);
        reference.type = "tcp";
        policy->daemon.references.push_back(std::move(reference));
    }
    policy->channels = {{"ops", "webhook", {}, ""}};
    if (random.chance(0.3)) policy->channels.push_back({"pager", "exec", {}, ""});
    add_answers(*policy, Random(Random(random).next()));
    policy->matrix = default_matrix();
    auto const services = std::size_t(random.in(1, 3));
    for (std::size_t i = 1; i <= services; ++i) {
        auto service = make_service(scenario, random, i);
        if (i > 1 && random.chance(0.4)) service.depends_on = {"s1"};
        if (random.chance(0.05)) scenario.untrusted.push_back(service.name);
        policy->services.push_back(std::move(service));
    }
    Random aside(~Random(random).next());
    bool const more = aside.chance(further);
    for (auto& service : policy->services) {
        if (more) add_sources(scenario, service, Random(aside.next()));
    }
    policy->text = "policy 1";
    policy->hash = sha256_hex(policy->text);
    scenario.policy = std::move(policy);
    return scenario;
}

void change_policy(Scenario& scenario, Random& random) {
    auto policy = std::make_shared<Policy>(*scenario.policy);
    auto& service = policy->services[random.below(policy->services.size())];
    switch (random.below(7)) {
        case 0:
            service.limits = random_limits(random);
            service.playbooks = make_playbooks(random, service.limits.settle);
            break;
        case 1:
            service.autonomy = Autonomy(random.below(3));
            break;
        case 2: {
            auto const at = random.below(service.triggers.size());
            service.triggers[at] = make_trigger(scenario, random, at + 1);
            break;
        }
        case 3:
            service.triggers.push_back(make_trigger(scenario, random, service.triggers.size() + 1));
            break;
        case 4:
            if (service.triggers.size() > 1) service.triggers.pop_back();
            break;
        case 5:
            service.signals.front().every = random.between(5s, 10s);
            service.signals.front().stale_after = 3 * service.signals.front().every + 2s;
            if (random.chance(0.3)) {
                service.signals.front().params["url"] = std::to_string(random.below(100));
            }
            break;
        default:
            policy->daemon.autonomy = random.chance(0.7) ? Autonomy::enforce : Autonomy::advise;
    }
    policy->text += "+" + std::to_string(random.below(1000000));
    policy->hash = sha256_hex(policy->text);
    scenario.policy = std::move(policy);
}

}  // namespace rollbackd::simulation

#include "engine/engine.hpp"

#include "core/ensure.hpp"
#include "engine/deadlines.hpp"
#include "engine/draft.hpp"
#include "engine/guards.hpp"
#include "engine/judge.hpp"
#include "engine/planning.hpp"
#include "engine/shift.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

/// 1 did not know what had been in effect when.
constexpr std::int64_t state_format = 2;

}  // namespace

struct Engine::Impl {
    std::shared_ptr<Policy const> policy;
    Now anchor;
    std::string boot_id;
    State state;
    Senses senses;
    Instant handled{};      // deadlines up to here have been looked at
    bool due_anew = false;  // by a policy that is new something may have been due for long

    // Records of another boot are placed by wall time; one from the future is placed at the anchor.
    Duration shift_of(WallTime at, Instant boot, std::string const& record_boot_id) const {
        if (record_boot_id == boot_id) return {};
        return to_instant(std::min(at, anchor.wall), anchor) - boot;
    }

    bool is_doubtful(WallTime at, std::string const& record_boot_id) const {
        return record_boot_id != boot_id && at > anchor.wall + std::chrono::minutes(1);
    }
};

Engine::Engine(std::shared_ptr<Policy const> policy, Now anchor, std::string boot_id)
    : impl_(std::make_unique<Impl>()) {
    impl_->policy = std::move(policy);
    impl_->anchor = anchor;
    impl_->boot_id = std::move(boot_id);
    impl_->handled = anchor.boot;
    impl_->senses.set_policy(impl_->policy, impl_->state, anchor);
}

Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

Edges Engine::observe(std::span<Sample const> samples, Now now) {
    return impl_->senses.observe(samples, impl_->state, now);
}

Edges Engine::elapse(Now now) {
    impl_->handled = now.boot;
    impl_->due_anew = false;
    return impl_->senses.elapse(impl_->state, now);
}

Decision Engine::decide(Event const& event, Now now) const {
    // What becomes of a message changes no incident, and is told often: no copy of the state.
    if (auto const* const told = std::get_if<MessageDelivered>(&event)) {
        return note_delivery(impl_->state, *told);
    }
    Draft draft(impl_->state, *impl_->policy, impl_->senses, now);
    auto const hear = [&]<class T>(T const& typed) {
        if constexpr (!std::is_same_v<T, MessageDelivered>) on(draft, typed);
    };
    std::visit(hear, event);
    queue_messages(draft, impl_->state);
    return std::move(draft.out);
}

void Engine::apply(Record const& record) {
    ensure(replay(record).has_value(), "a record of the journal can be read");
    // Decided a while ago, if the disk hung: what fell due since was not looked at with it.
    impl_->handled = std::min(impl_->handled, record.boot);
}

Result<void> Engine::replay(Record const& record) {
    auto body = read_body(record);
    if (!body) return tl::unexpected(body.error());
    auto& state = impl_->state;
    ensure(record.seq == state.seq + 1, "records are applied in order");
    auto const shift = impl_->shift_of(record.at, record.boot, record.boot_id);
    if (shift != Duration::zero()) {
        std::visit([&](auto& typed) { shift_instants(typed, shift); }, *body);
    }
    state.clock_doubt = state.clock_doubt || impl_->is_doubtful(record.at, record.boot_id);
    apply_body(state, *body, {record.seq, {record.at, record.boot + shift}});
    state.hash = record.hash;
    bool const settled = std::holds_alternative<IncidentResolved>(*body) ||
                         std::holds_alternative<IncidentRecovered>(*body) ||
                         std::holds_alternative<TriggerCleared>(*body) ||
                         std::holds_alternative<LadderReopened>(*body) ||
                         std::holds_alternative<IncidentJudged>(*body) ||
                         std::holds_alternative<RecoveredRecord>(*body);
    if (settled) impl_->senses.sync(state);
    bool const known =
        std::holds_alternative<ReadinessChanged>(*body) ||
        std::holds_alternative<DrillRecorded>(*body) ||
        std::holds_alternative<StepEndedRecord>(*body) ||
        std::holds_alternative<DeploymentRecorded>(*body) ||
        std::holds_alternative<KnownGood>(*body) || std::holds_alternative<RunVerifying>(*body) ||
        std::holds_alternative<Quarantined>(*body) || std::holds_alternative<ReleasedRecord>(*body);
    if (known) impl_->senses.note_facts();
    return {};
}

Instant Engine::next_deadline() const {
    if (impl_->due_anew || impl_->senses.facts_moved()) return impl_->handled;
    return std::min(
        impl_->senses.next_deadline(impl_->handled),
        next_due(impl_->state, *impl_->policy, impl_->handled)
    );
}

Instant Engine::observed_deadline() const { return impl_->senses.observed_deadline(); }

State const& Engine::state() const { return impl_->state; }
Policy const& Engine::policy() const { return *impl_->policy; }
std::shared_ptr<Policy const> Engine::policy_ptr() const { return impl_->policy; }

void Engine::set_policy(std::shared_ptr<Policy const> policy, Now now) {
    impl_->senses.set_policy(policy, impl_->state, now);
    impl_->policy = std::move(policy);
    impl_->due_anew = true;
}

Track const* Engine::track(std::string_view service, std::string_view trigger) const {
    return impl_->senses.track(service, trigger);
}

SignalWindow const* Engine::window(std::string_view service, std::string_view signal) const {
    return impl_->senses.window(service, signal);
}

Evaluation Engine::judge(std::string_view service, std::string_view trigger, Now now) const {
    return impl_->senses.judge(service, trigger, impl_->state, now);
}

Duration Engine::pace(std::string_view service, std::string_view signal, Now) const {
    auto const* const policy = impl_->policy->service(service);
    auto const* const known = policy == nullptr ? nullptr : policy->signal(signal);
    return known == nullptr ? std::chrono::seconds(10) : pace(service, *known);
}

Duration Engine::pace(std::string_view service, SignalPolicy const& signal) const {
    auto const* const run = run_on(impl_->state, std::string(service));
    bool const awaited =
        run != nullptr && (run->state == RunState::verifying || awaits_samples(*run));
    bool const hurried = awaited || impl_->senses.awaits_confirmation(service, signal.name);
    return hurried ? std::min(signal.confirm_every, signal.every) : signal.every;
}

bool Engine::untrusted(std::string_view service) const { return impl_->senses.untrusted(service); }

Result<Plan> Engine::plan(
    std::string_view service, std::string_view playbook, JsonObject const& inputs, Now
) const {
    auto const* const policy = impl_->policy->service(service);
    if (policy == nullptr) return fail(Errc::not_found, "no service " + std::string(service));
    auto const* const known = policy->playbook(playbook);
    if (known == nullptr) {
        return fail(
            Errc::not_found, "service " + policy->name + " has no playbook " + std::string(playbook)
        );
    }
    return make_plan(impl_->state, *policy, *known, inputs, impl_->state.service(service).incident);
}

AskFresh Engine::ask_for(Plan const& plan) const {
    AskFresh ask;
    ask.service = plan.service;
    auto const* const service = impl_->policy->service(plan.service);
    if (service == nullptr) return ask;
    ask.references = !impl_->policy->daemon.references.empty() || !service->references.empty();
    ask.dependencies = service->depends_on;
    ask.schema = plan.undoes == Undoes::release && !service->release.schema_type.empty();
    if (asks_steps(plan)) ask.plans.push_back(plan);
    return ask;
}

Result<std::string> Engine::rollback_target(std::string_view service) const {
    return choose_target(impl_->state.service(service), std::string(service));
}

Json Engine::save_state() const {
    return JsonObject{
        {"format", state_format}, {"boot_id", impl_->boot_id}, {"state", to_json(impl_->state)}
    };
}

Result<void> Engine::load_state(Json const& saved) {
    auto const* const member = find(saved, "state");
    if (member == nullptr) return fail(Errc::corrupt, "a state checkpoint without a state");
    auto const* const format = find(saved, "format");
    if (format == nullptr || *format != Json(state_format)) {
        return fail(Errc::corrupt, "a state checkpoint of another version; the journal has it all");
    }
    auto state = read_json<State>(*member);
    if (!state) return fail(Errc::corrupt, state.error().what, "state checkpoint");
    auto const shift =
        impl_->shift_of(state->last_at.wall, state->last_at.boot, text_of(saved, "boot_id"));
    if (shift != Duration::zero()) shift_instants(*state, shift);
    impl_->state = std::move(*state);
    auto const& newest = impl_->state.last_at.wall;
    impl_->state.clock_doubt = impl_->is_doubtful(newest, text_of(saved, "boot_id"));
    impl_->senses.sync(impl_->state);
    impl_->senses.note_facts();
    return {};
}

Json Engine::save_windows(Now now) const { return impl_->senses.save(now, impl_->boot_id); }

Result<void> Engine::load_windows(Json const& saved, Now now) {
    auto loaded = impl_->senses.load(saved, now, impl_->boot_id);
    impl_->senses.forget_judged(impl_->state);
    impl_->senses.sync(impl_->state);
    impl_->senses.look_ahead(impl_->state, now);
    return loaded;
}

}  // namespace rollbackd

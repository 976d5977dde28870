// The engine: decides, and only decides. observe() folds samples into windows, decide() returns
// what should be written down and what should be done, apply() is the only way durable state
// changes. Pure: no clock, no file, no thread, no log. See DESIGN B1 and docs/architecture.md.
#pragma once

#include "engine/command.hpp"
#include "engine/senses.hpp"

namespace rollbackd {

class Engine {
public:
    /// `anchor` is this boot's clock: records of other boots are mapped through wall time.
    Engine(std::shared_ptr<Policy const> policy, Now anchor, std::string boot_id);
    ~Engine();
    Engine(Engine&&) noexcept;
    Engine& operator=(Engine&&) noexcept;

    /// Windows only. Event times are clamped to [now - retention, now].
    Edges observe(std::span<Sample const> samples, Now now);
    /// Deadlines of `for`, absent, staleness and start_period that have come. Call before Tick.
    Edges elapse(Now now);
    Decision decide(Event const& event, Now now) const;
    void apply(Record const& record);
    /// Of a journal that may hold what nobody can read: an Error then, and nothing has changed.
    Result<void> replay(Record const& record);
    /// Nothing changes by itself before this; Instant::max() where nothing is due.
    Instant next_deadline() const;
    /// The earliest that what observe() took last has set for the triggers it touched: so a loop
    /// that sleeps until next_deadline() need not look at all of them at each sample.
    Instant observed_deadline() const;

    State const& state() const;
    Policy const& policy() const;
    std::shared_ptr<Policy const> policy_ptr() const;
    /// Takes a new policy; windows of unchanged signals are kept, open incidents keep their
    /// triggers.
    void set_policy(std::shared_ptr<Policy const> policy, Now now);

    Track const* track(std::string_view service, std::string_view trigger) const;
    SignalWindow const* window(std::string_view service, std::string_view signal) const;
    /// Verdict, arithmetic and proof of a trigger now; unknown with why "start_period" while held.
    Evaluation judge(std::string_view service, std::string_view trigger, Now now) const;
    /// How soon the probe should ask next: confirm_every after an unsettled failure and during
    /// verification, else `every`.
    Duration pace(std::string_view service, std::string_view signal, Now now) const;
    Duration pace(std::string_view service, SignalPolicy const& signal) const;
    bool untrusted(std::string_view service) const;

    /// The plan a run of this playbook would carry out now. `target` as rollback rules choose it.
    Result<Plan> plan(
        std::string_view service, std::string_view playbook, JsonObject const& inputs, Now now
    ) const;
    /// What the shell must ask before deciding Approved or RunAsked for that plan.
    AskFresh ask_for(Plan const& plan) const;
    /// Version the service would be rolled back to, and why none where there is none.
    Result<std::string> rollback_target(std::string_view service) const;

    /// Checkpoint: State bound to seq and hash, and the windows. load_* before the records after it
    /// are applied; `now` and boot id as saved decide how instants are mapped.
    Json save_state() const;
    Result<void> load_state(Json const& saved);
    Json save_windows(Now now) const;
    Result<void> load_windows(Json const& saved, Now now);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace rollbackd

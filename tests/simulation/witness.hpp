// What really happens, told to whoever watches: the model that checks the promises.
#pragma once

#include "engine/command.hpp"
#include "tests/simulation/timeline.hpp"

namespace rollbackd::simulation {

/// One attempt at one step, under its supervisor.
struct Process {
    std::string run;
    std::uint32_t n = 0;
    std::uint32_t attempt = 0;
    std::string service;
    int node = 0;  // the daemon that started it
    Step step;
    Time started{};
    bool live = true;
    bool took_effect = false;
    std::optional<StepOutcome> exit;  // what the supervisor wrote down; none: it was lost
    std::function<void()> waiter;     // of the daemon's present life
};

/// Told of everything at the moment it happens.
struct Witness {
    virtual ~Witness() = default;
    virtual void process_started(Process const& process) = 0;
    virtual void effect(Process const& process) = 0;
    /// Its supervisor has written down how.
    virtual void process_ended(Process const& process) = 0;
    /// It is not there any more, whether or not that was written down.
    virtual void process_gone(Process const&) {}
    /// Of a shared store.
    virtual void lease_taken(int node) { (void)node; }
    /// The engine has observed it; `at` is its event time.
    virtual void sampled(Sample const& sample, Time at) = 0;
    /// It has read that of a log beside the service, which no condition asks of.
    virtual void overheard(Sample const& sample, Time at) = 0;
    /// What the world answered to the engine's question.
    virtual void answered(std::string const& incident, Answer const& answer) = 0;
    virtual void check_ended(CheckEnded const& ended) = 0;
    /// A person approves exactly that plan.
    virtual void approved(std::string const& incident, std::string const& plan) = 0;
    virtual void delivered(std::string const& message) = 0;
    /// The journal may have grown.
    virtual void written() = 0;
    virtual void policy_in_force(std::shared_ptr<Policy const> policy) = 0;
    virtual void daemon_started() = 0;
    /// Samples after `kept` were in no checkpoint.
    virtual void daemon_ended(Time kept) = 0;
    virtual void machine_rebooted() = 0;
    virtual void story(std::string const& line) = 0;
};

}  // namespace rollbackd::simulation

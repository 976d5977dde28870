// What one of two daemons tells: nobody listens to the one that has lost its lease, but to what it
// does to the journal and to the world.
#pragma once

#include "tests/simulation/witness.hpp"

namespace rollbackd::simulation {

class Ear final : public Witness {
public:
    explicit Ear(Witness& to) : to_(to) {}

    bool muted = false;

    void process_started(Process const& process) override { to_.process_started(process); }
    void effect(Process const& process) override { to_.effect(process); }
    void process_ended(Process const& process) override { to_.process_ended(process); }
    void process_gone(Process const& process) override { to_.process_gone(process); }
    void lease_taken(int node) override { to_.lease_taken(node); }
    void sampled(Sample const& sample, Time at) override {
        if (!muted) to_.sampled(sample, at);
    }
    void overheard(Sample const& sample, Time at) override {
        if (!muted) to_.overheard(sample, at);
    }
    void answered(std::string const& incident, Answer const& answer) override {
        if (!muted) to_.answered(incident, answer);
    }
    void check_ended(CheckEnded const& ended) override {
        if (!muted) to_.check_ended(ended);
    }
    void approved(std::string const& incident, std::string const& plan) override {
        if (!muted) to_.approved(incident, plan);
    }
    void delivered(std::string const& message) override { to_.delivered(message); }
    void written() override { to_.written(); }
    void policy_in_force(std::shared_ptr<Policy const> policy) override {
        if (!muted) to_.policy_in_force(std::move(policy));
    }
    void daemon_started() override {
        if (!muted) to_.daemon_started();
    }
    void daemon_ended(Time kept) override {
        if (!muted) to_.daemon_ended(kept);
    }
    void machine_rebooted() override { to_.machine_rebooted(); }
    void story(std::string const& line) override { to_.story(line); }

private:
    Witness& to_;
};

}  // namespace rollbackd::simulation

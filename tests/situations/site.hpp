// The world of a situation: services with versions, what is wrong with whom, and what their users
// and agents bring. It answers the daemon of tests/simulation; it knows nothing of triggers.
#pragma once

#include "tests/simulation/world.hpp"
#include "tests/situations/story.hpp"

namespace rollbackd::situations {

using simulation::Process;
using simulation::Time;

/// Something a step of rollbackd really changed.
struct Effect {
    std::string service;
    std::string step;
    std::string from;
    std::string to;
    Time at{};
};

class Site final : public simulation::World {
public:
    Site(
        simulation::Timeline& timeline, Random& random, simulation::Witness& witness,
        Story const& story
    );

    std::vector<Effect> effects;

    // What happens to it.
    void install(std::string const& service, std::string const& version);
    void deploy(Happening const& happening);
    void break_down(Happening const& happening);
    void mend(std::string const& service);
    void set_traffic(std::string const& service, double factor);
    bool is_quiet(std::string const& service) const { return traffic_.at(service) <= 0; }
    /// What is stored of a version is no longer what once ran.
    void spoil(Happening const& happening);
    /// A migration, with the release in effect made for both sides of it.
    void move_schema(std::string const& service, int schema);

    bool answers(std::string const& service, SignalPolicy const& probe) const override;
    SampleValue sees(std::string const& service, SignalPolicy const& probe) override;
    bool passes(std::string const& service) const override;

    /// One request of a user, one report of an agent.
    Sample request(std::string const& service, SignalPolicy const& signal);
    Sample report(std::string const& service, SignalPolicy const& signal);
    /// How long until the next one; none: this signal brings nothing.
    std::optional<Duration> pause_before_next(
        std::string const& service, SignalPolicy const& signal
    ) const;

protected:
    void change(Process const& process) override;

private:
    struct Live {
        Fault fault;
        Duration after{};
        Duration period{};
        Time begun{};
    };
    using Faults = std::vector<Live>;

    Faults drawn(std::vector<Fault> const& faults) const;
    /// Those of the version in effect and those from outside that show in this signal now.
    Faults active(std::string const& service, std::string const& signal) const;
    bool is_active(std::string const& service, Live const& live, Time since) const;
    bool fails(std::string const& service, std::string const& signal) const;
    Normal const& normal(std::string const& service, std::string const& signal) const;
    void start(std::string const& service, std::string const& version, Duration takes);
    double level(std::string const& service, SignalPolicy const& signal) const;

    Story const& story_;
    double noise_;  // share of requests that fail though all is well
    std::map<std::string, Faults> outside_;
    std::map<std::string, std::map<std::string, Faults>> of_version_;
    std::map<std::string, double> traffic_;
};

}  // namespace rollbackd::situations

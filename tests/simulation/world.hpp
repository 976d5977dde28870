// The world as it really is: services with the versions in effect, what fails for outside reasons,
// and the processes of steps, which live on when the daemon dies.
#pragma once

#include "engine/event.hpp"
#include "tests/simulation/tape.hpp"
#include "tests/simulation/witness.hpp"

#include <set>

namespace rollbackd::simulation {

struct Version {
    bool bad_health = false;
    bool bad_requests = false;
    Duration bad_after{};  // a slow leak
    bool present = true;   // its artefact can still be restored
    int schema = 1;
};

struct Service {
    std::string name;
    std::map<std::string, Version> versions;
    std::string running;
    Time running_since{};
    Time starting_until{};
    int schema = 1;
    int next_version = 1;
    bool down = false;      // for outside reasons
    bool provider = false;  // somebody else's fault, seen in requests
    bool flapping = false;
    bool quiet = false;  // no request comes
    bool hot = false;    // its load is high, for outside reasons
    bool old_cert = false;
    bool maintenance = false;  // it says so
    bool job_dead = false;     // no heartbeat comes
    bool flag_off = false;
    bool safe_mode = false;
    std::set<std::string> missing = {};  // tools, each named like the step that needs it

    bool healthy(Time now) const;
    bool serves(Time now) const;
};

/// What keeps a source from telling how its service is. One that is asked takes too long, is not
/// there, talks nonsense (all three: unknown, no health and no failure), does so now and then, or
/// repeats what it said last. One that reports by itself falls silent and then tells all of it at
/// once, tells everything twice, is late with some of it, has lost count, or dates what it tells by
/// a wrong clock.
enum class SourceFault {
    none,
    slow,
    gone,
    garbage,
    hiccups,
    stuck,
    dammed,
    twice,
    late,
    resets,
    misdated
};

struct Source {
    SourceFault fault = SourceFault::none;
    std::optional<SampleValue> said;              // before that
    std::vector<std::pair<Time, Sample>> dammed;  // what it has not told yet, and of when that is
};

class World {
public:
    World(Timeline& timeline, Random& random, Witness& witness)
        : timeline_(timeline), random_(random), witness_(witness) {}
    virtual ~World() = default;

    // What another world may answer in its own way (tests/situations).
    /// Whether that probe of the service is answered as expected now.
    virtual bool answers(std::string const& service, SignalPolicy const& probe) const;
    /// What the probe brings; of a state, its latency is how long that takes.
    virtual SampleValue sees(std::string const& service, SignalPolicy const& probe);
    /// What it brings when it is asked beside its turn, for a judgement.
    SampleValue asked(std::string const& service, SignalPolicy const& probe);
    /// How long that answer takes.
    static Duration takes(SignalPolicy const& probe, SampleValue const& value);
    /// Whether a `run:` entry of verify or success passes now.
    virtual bool passes(std::string const& service) const;

    std::map<std::string, Service> services;
    using SourceKey = std::pair<std::string, std::string>;  // service, signal
    std::map<SourceKey, Source> sources;
    std::map<std::string, Tape> tapes;  // by service
    bool network_lost = false;          // ours: every reference fails, and every probe
    bool references_slow = false;
    double delivery_fails = 0;  // share of messages that do not get through
    double step_fails = 0.1;
    double step_lost = 0.03;
    double step_hangs = 0.03;
    double no_effect = 0.05;  // exit 0, and nothing changed
    double preflight_hangs = 0;
    double preflight_lies = 0;  // says that it could work, and it cannot
    double preflight_errs = 0;  // says that it cannot work, and it could

    Service& service(std::string const& name) { return services.at(name); }
    Service const& service(std::string const& name) const { return services.at(name); }
    std::string deploy(std::string const& service, bool bad);

    // Processes: what the supervisors do.
    using Key = std::tuple<std::string, std::uint32_t, std::uint32_t>;
    Process* find(Key const& key);
    /// As that daemon sees it: claims are in a folder of its own.
    Process* find(Key const& key, int node);
    Process& start(Process process);
    void abort(std::string const& run, std::uint32_t n, int node = 0);
    /// What a step of that plan answers to its preflight.
    StepFinding preflight(Plan const& plan, Step const& step);
    /// A step's check: did it take effect?
    OutcomeKind settle(std::string const& run, std::uint32_t n, Step const& step);
    void forget(std::string const& run, std::uint32_t n);
    /// That daemon is gone: nobody waits any more.
    void leave_processes(int node);
    /// The machine is gone: so are they.
    void lose_processes();

protected:
    /// A step has done what it is for.
    virtual void change(Process const& process);

    Timeline& timeline_;
    Random& random_;
    Witness& witness_;

private:
    /// Of a gauge and of a text.
    SampleValue measured(std::string const& service, SignalPolicy const& probe);
    /// What a source says that does not work; none: it works.
    std::optional<SampleValue> faulty(Source const& source);
    void end(Key const& key, OutcomeKind kind, bool effect);
    /// Of what moment the backup is that the process has restored.
    BackupTime backup(Process const& process) const;
    bool can_work(std::string const& service, Step const& step) const;
    void take_effect(Process& process);

    std::map<Key, Process> processes_;
    std::map<Key, Process> forgotten_;  // their claims are gone; what they did is not
};

}  // namespace rollbackd::simulation

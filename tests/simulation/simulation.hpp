// One simulated world from one seed: it is built, thrown into chaos, left to calm down, and watched
// all the while.
#pragma once

#include "tests/simulation/alert_truth.hpp"
#include "tests/simulation/ear.hpp"
#include "tests/simulation/model.hpp"
#include "tests/simulation/shell.hpp"

namespace rollbackd::simulation {

struct Report {
    std::string broken;  // the promise that did not hold; empty: all of them did
    std::string hash;    // of the journal's newest record
    std::uint64_t incidents = 0, runs = 0, records = 0, crashes = 0, checks = 0;
    std::uint64_t starts = 0, reboots = 0, taken_over = 0;
    Time lasted{};
};

struct Shares {
    double further = 0;  // of stories with signals of further kinds
    double shared = 0;   // of stories with two daemons on one store
};

Report simulate(
    std::uint64_t seed, Shares shares, std::function<void(std::string const&)> const& teller = {}
);

class Simulation {
public:
    Simulation(
        std::uint64_t seed, Shares shares, std::function<void(std::string const&)> const& teller
    );
    Report run();

private:
    void told(std::string const& line) { model_.story(line); }
    void every(Duration period, std::function<void()> what);
    bool go_on(Time end);
    void tell_what_is_seen();
    void tell_window(std::string const& service, std::string const& signal);

    // The world's own course (chaos.cpp).
    void set_up();
    void make_noise();
    void push_requests(std::string const& service);
    void write_tapes();
    void look_ahead();
    void compare_with_tapes();
    void trouble();
    void trouble_in_service(std::string const& name);
    void trouble_outside();
    void kill_daemon();
    void die_at_once();
    void restart_daemon();
    void calm_down();
    void compare_with_journal();

    // Two daemons on one store (chaos_nodes.cpp).
    Shell& shell() { return shells_[acting_]; }
    void listen_to(std::size_t node);
    void begin_nodes();
    void trouble_between_nodes();
    void look_for_lease();
    void take_over(std::size_t node);
    void node_ended(std::size_t node);
    void calm_nodes();

    // Sources (chaos_sources.cpp).
    void trouble_in_source(std::string const& name, Duration lasts);
    void mend_source(World::SourceKey const& key);
    void bring(Sample sample);
    void hand_in(Time at, Sample sample);

    // Sources of further kinds (chaos_kinds.cpp).
    void watch_elsewhere();
    void trouble_elsewhere();
    void report_elsewhere(std::string const& service);
    void deploy_silently(std::string const& service);

    // Alertmanager (chaos_alerts.cpp).
    struct Alertmanager {
        std::vector<Alert> firing;
        std::vector<Alert> to_resolve;  // nobody has taken it yet
        Time told{};
        int known = 0;
        bool silent = false;
        bool late = false;
    };
    void ask_rules(std::string const& service);
    void tell_alerts(std::string const& service, std::vector<Alert> alerts);
    void compare_with_alerts();

    // People (people.cpp).
    void people();
    void deploy(std::string const& service, bool bad);
    void post_deployment(DeploymentPosted posted);
    void approve(std::string const& incident, Run const& run);
    void look_at(Incident const& incident, bool diligent);
    void play_with_switches();
    void run_by_hand(std::string const& service);
    void start_by_hand(std::string const& service);
    void follow(Record const& record);
    void tend(Incident const& incident);
    void mend_world(std::string const& service);

    Random random_;
    Random writer_;  // of the tapes: who writes them takes no chance from anybody else
    Random looker_;  // whether playbooks could be run: likewise
    Random other_;   // what happens to sources of further kinds
    Random pair_;    // what happens between two daemons
    Timeline timeline_;
    Machine machine_{timeline_};
    Disk disk_{machine_};
    Model model_{timeline_, machine_, disk_};
    World world_{timeline_, random_, model_};
    Scenario scenario_;
    bool shared_ = false;
    std::array<Ear, 2> ears_;
    std::array<Shell, 2> shells_;
    std::size_t acting_ = 0;
    std::array<bool, 2> stands_by_{};  // it is up, and asks for the lease
    Report report_;
    bool chaos_ = true;
    bool reboots_ = false;
    bool steps_ = false;  // of the wall clock
    bool rebooted_ = false;
    std::map<std::string, TapeTruth> truths_;  // by service
    std::map<std::string, Alertmanager> rules_;
    std::map<std::string, AlertTruth> alerts_;  // as it was told to the daemon
    std::map<std::string, AlertTruth> saved_alerts_;
    std::uint64_t reports_ = 0;  // that had an id
};

}  // namespace rollbackd::simulation

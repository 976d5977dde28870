#include "tests/situations/stage.hpp"

namespace rollbackd::situations {

using namespace std::chrono_literals;

namespace {

using simulation::Disk;
using simulation::Machine;
using simulation::Shell;
using simulation::Timeline;

constexpr Duration quiet_before = 10min;  // all is well for so long before the story
constexpr char const* first_version = "v1";

/// Notes which messages arrived.
struct Listener final : simulation::Witness {
    std::set<std::string> arrived;

    void process_started(Process const&) override {}
    void effect(Process const&) override {}
    void process_ended(Process const&) override {}
    void sampled(Sample const&, Time) override {}
    void overheard(Sample const&, Time) override {}
    void answered(std::string const&, Answer const&) override {}
    void check_ended(CheckEnded const&) override {}
    void approved(std::string const&, std::string const&) override {}
    void delivered(std::string const& message) override { arrived.insert(message); }
    void written() override {}
    void policy_in_force(std::shared_ptr<Policy const>) override {}
    void daemon_started() override {}
    void daemon_ended(Time) override {}
    void machine_rebooted() override {}
    void story(std::string const&) override {}
};

class Play {
public:
    Play(Story const& story, std::shared_ptr<Policy const> policy, std::uint64_t seed)
        : story_(story), policy_(std::move(policy)), random_(seed) {
        shell_.file = policy_;
        shell_.slow_appends = 0.02;
        shell_.on_crash = [this] {
            timeline_.after(random_.between(1s, 10s), [this] { shell_.start(); });
        };
    }

    Outcome run() {
        set_up();
        auto at = quiet_before + random_.between(0s, 30s);
        for (auto const& happening : story_.happenings) {
            at += happening.after.draw(random_);
            timeline_.at(at, [this, &happening] { happen(happening); });
        }
        auto const end = at + story_.rest.draw(random_);
        while (timeline_.step(end)) {
        }
        return tell();
    }

private:
    void set_up() {
        for (auto const& service : policy_->services) site_.install(service.name, first_version);
        shell_.start();
        for (auto const& service : policy_->services) {
            for (auto const& signal : service.signals) visit_later(service.name, signal);
            if (service.playbooks.empty()) continue;
            Happening first;
            first.service = service.name;
            first.version = first_version;
            first.known_good = true;
            announce(first, std::nullopt);
        }
        timeline_.after(5s, [this] { save(); });
    }

    // As the daemon does every five seconds.
    void save() {
        shell_.save(false);
        timeline_.after(5s, [this] { save(); });
    }

    void visit_later(std::string const& service, SignalPolicy const& signal) {
        auto const pause = site_.pause_before_next(service, signal);
        if (!pause) return;
        timeline_.after(*pause, [this, &service, &signal] {
            visit(service, signal);
            visit_later(service, signal);
        });
    }

    void visit(std::string const& service, SignalPolicy const& signal) {
        if (!shell_.alive()) return;
        bool const outcomes = signal.kind == SignalKind::outcomes;
        bool const nobody = outcomes && (site_.network_lost || site_.is_quiet(service));
        if (nobody) return;
        auto sample = outcomes ? site_.request(service, signal) : site_.report(service, signal);
        sample.at = machine_.now().boot;
        shell_.ingest(std::move(sample));
    }

    void happen(Happening const& happening) {
        auto const& what = happening.what;
        if (what == "deploy") {
            deploy(happening);
        } else if (what == "break") {
            site_.break_down(happening);
        } else if (what == "mend") {
            site_.mend(happening.service);
        } else if (what == "traffic") {
            site_.set_traffic(happening.service, happening.factor);
        } else if (what == "network") {
            site_.network_lost = happening.factor == 0;
        } else if (what == "clock") {
            auto const by = happening.clock.draw(random_);
            machine_.step_wall_clock(happening.back ? -by : by);
        } else if (what == "kill") {
            if (shell_.alive()) shell_.crash("(the story)");
        } else if (what == "gone") {
            site_.service(happening.service).versions[happening.version].present = false;
        } else if (what == "spoiled") {
            site_.spoil(happening);
        } else if (what == "schema") {
            site_.move_schema(happening.service, happening.schema);
        } else if (what == "raise") {
            submit(
                Raised{{"op", "operate"}, happening.service, happening.trigger, "a customer called"}
            );
        } else {
            ensure(false, "a happening of a known kind");
        }
    }

    void deploy(Happening const& happening) {
        site_.deploy(happening);
        if (!happening.announced) return;
        auto const started = machine_.now().wall;
        auto const late = happening.late.draw(random_);
        timeline_.after(late, [this, &happening, started, late] {
            bool const dated = late > 0s && happening.dated;
            announce(happening, dated ? std::optional(started) : std::nullopt);
        });
    }

    void announce(Happening const& happening, std::optional<WallTime> started_at) {
        DeploymentPosted posted;
        posted.actor = {"ci", "ingest"};
        posted.service = happening.service;
        posted.version = happening.version;
        posted.started_at = started_at;
        posted.known_good = happening.known_good;
        posted.schema_compatible = happening.schema_compatible;
        posted.facts.schema = std::to_string(site_.service(happening.service).schema);
        submit(std::move(posted));
    }

    // A script that finds nobody tries again.
    void submit(Event event) {
        if (shell_.alive()) {
            shell_.submit(std::move(event));
        } else {
            timeline_.after(1s, [this, event = std::move(event)] { submit(event); });
        }
    }

    Outcome tell() {
        JsonArray effects;
        for (auto const& effect : site_.effects) {
            effects.push_back(JsonObject{
                {"at_ms", effect.at / 1ms},
                {"service", effect.service},
                {"step", effect.step},
                {"from", effect.from},
                {"to", effect.to}
            });
        }
        JsonObject services;
        for (auto const& policy : policy_->services) {
            services[policy.name] = JsonObject{
                {"running", site_.service(policy.name).running}, {"well", site_.passes(policy.name)}
            };
        }
        JsonArray arrived;
        for (auto const& message : listener_.arrived) arrived.push_back(Json(message.c_str()));
        Outcome out;
        out.told = JsonObject{
            {"effects", std::move(effects)},
            {"services", std::move(services)},
            {"arrived", std::move(arrived)}
        };
        out.journal = disk_.records();
        return out;
    }

    Story const& story_;
    std::shared_ptr<Policy const> policy_;
    Random random_;
    Timeline timeline_;
    Machine machine_{timeline_};
    Disk disk_{machine_};
    Listener listener_;
    Site site_{timeline_, random_, listener_, story_};
    Shell shell_{{timeline_, machine_, site_, disk_, random_, listener_}};
};

}  // namespace

Outcome play(Story const& story, std::shared_ptr<Policy const> policy, std::uint64_t seed) {
    return Play(story, std::move(policy), seed).run();
}

}  // namespace rollbackd::situations

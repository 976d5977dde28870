#include "cli/rehearsal/play.hpp"

#include "cli/rehearsal/expect.hpp"
#include "cli/rehearsal/stage.hpp"

#include <algorithm>

namespace rollbackd::cli {

namespace {

using namespace std::chrono_literals;

// A Thursday like any other, long after the boot.
Now const beginning{
    Instant(1000000s),
    WallTime(std::chrono::sys_days(std::chrono::year(2026) / std::chrono::January / 1))
};

/// The stage of one test: its series speak, its events happen.
class Theatre final : public Stage {
public:
    Theatre(PolicyTest const& test, std::shared_ptr<Policy const> policy, Played& played)
        : Stage(std::move(policy), beginning), test_(test), played_(played) {
        lines_.resize(test.series.size());
        for (auto const& service : engine.policy().services) {
            for (auto const& signal : service.signals) {
                if (signal.is_probe && has_series(service.name, signal.name)) {
                    watch(service.name, signal);
                }
            }
        }
        for (auto const& event : test.events) {
            plan(beginning.boot + event.at, [this, &event] { happen(event); });
        }
    }

    Sight look(std::string const& service, SignalPolicy const& probe) const override {
        Sight sight;
        for (std::size_t i = 0; i < lines_.size(); ++i) {
            auto const& series = test_.series[i];
            if (series.service != service || series.signal != probe.name) continue;
            sight.told = true;
            if (lines_[i].origin) sight.value = series.values.at(index_of(i));
        }
        return sight;
    }

    Duration time() const { return now.boot - beginning.boot; }

protected:
    void applied(Record const& record) override {
        Stage::applied(record);
        auto const body = read_body(record);
        auto const line = body ? tell(*body, engine.state()) : std::string();
        if (!line.empty()) played_.story.push_back("+" + format_duration(time()) + " " + line);
    }

    // A line begins to apply, or ends to.
    void settled() override {
        for (std::size_t i = 0; i < lines_.size(); ++i) {
            auto& line = lines_[i];
            auto const origin = origin_of(test_.series[i]);
            if (origin == line.origin) continue;
            line.origin = origin;
            ++line.turn;
            if (origin && !is_probe(test_.series[i])) speak(i, 0, line.turn);
        }
    }

private:
    struct Line {
        std::optional<Instant> origin;
        std::uint64_t turn = 0;
    };

    bool has_series(std::string const& service, std::string const& signal) const {
        return std::any_of(test_.series.begin(), test_.series.end(), [&](auto const& series) {
            return series.service == service && series.signal == signal;
        });
    }

    bool is_probe(InputSeries const& series) const {
        return engine.policy().service(series.service)->signal(series.signal)->is_probe;
    }

    /// When the line began to apply; nothing: it does not.
    std::optional<Instant> origin_of(InputSeries const& series) const {
        auto origin = beginning.boot;
        if (!series.version.empty()) {
            auto const effect = in_effect(series.service);
            if (effect.version != series.version) return {};
            origin = effect.since;
        }
        if (!series.after.empty()) {
            auto const done = carried_out.find(series.after);
            if (done == carried_out.end()) return {};
            origin = std::max(origin, done->second);
        }
        return origin;
    }

    std::uint64_t index_of(std::size_t i) const {
        return std::uint64_t((now.boot - *lines_[i].origin) / test_.series[i].interval);
    }

    /// The last line of a signal that applies is the one that speaks.
    bool speaks(std::size_t i) const {
        auto const& mine = test_.series[i];
        for (auto j = i + 1; j < lines_.size(); ++j) {
            auto const& other = test_.series[j];
            bool const same =
                other.service == mine.service && other.signal == mine.signal && other.by == mine.by;
            if (same && lines_[j].origin) return false;
        }
        return true;
    }

    void speak(std::size_t i, std::uint64_t index, std::uint64_t turn) {
        auto const& series = test_.series[i];
        if (index >= series.values.size()) return;
        plan(*lines_[i].origin + series.interval * std::int64_t(index), [this, i, index, turn] {
            if (lines_[i].turn != turn) return;
            if (speaks(i)) bring(test_.series[i], test_.series[i].values.at(index));
            speak(i, index + 1, turn);
        });
    }

    void bring(InputSeries const& series, std::optional<SampleValue> value) {
        if (!value) return;
        Sample sample;
        sample.service = series.service;
        sample.signal = series.signal;
        sample.by = series.by;
        sample.at = now.boot;
        sample.value = std::move(*value);
        observe(std::span(&sample, 1));
    }

    Incident const* open_incident(std::string const& service) const {
        auto const& order = engine.state().incident_order;
        for (auto id = order.rbegin(); id != order.rend(); ++id) {
            auto const* const incident = engine.state().incident(*id);
            if (incident != nullptr && incident->service == service) return incident;
        }
        return nullptr;
    }

    void happen(TestEvent const& event);
    bool change_world(TestEvent const& event);
    void deploy(TestEvent const& event);
    void act(TestEvent const& event);
    void approve(TestEvent const& event, Incident const& incident);
    void run(TestEvent const& event);
    bool about_service(TestEvent const& event);
    void about_incident(TestEvent const& event, Incident const& incident);
    void object(TestEvent const& event, std::string came);

    PolicyTest const& test_;
    Played& played_;
    std::vector<Line> lines_;
    Actor const person_{"test", "admin"};
};

void Theatre::object(TestEvent const& event, std::string came) {
    played_.failures.push_back(
        {event.line, event.at, "the event '" + event.kind + "'", "it can happen", std::move(came)}
    );
}

bool Theatre::change_world(TestEvent const& event) {
    if (event.kind == "references") {
        references_fail = event.what == "fail";
        if (!references_fail) send(BlindEnded{});
        return true;
    }
    if (event.kind == "schema") {
        schema = event.what;
        return true;
    }
    if (event.kind != "step" && event.kind != "check") return false;
    auto& behaviour = behaviours[event.what];
    if (auto const ends = enum_from<OutcomeKind>(event.ends)) behaviour.ends = *ends;
    if (auto const settles = enum_from<OutcomeKind>(event.settles)) behaviour.settles = *settles;
    if (event.takes) behaviour.takes = *event.takes;
    return true;
}

void Theatre::deploy(TestEvent const& event) {
    DeploymentPosted posted;
    posted.actor = person_;
    posted.service = event.service;
    posted.version = event.what;
    posted.known_good = event.known_good;
    posted.schema_compatible = event.schema_compatible;
    if (event.started_at) {
        posted.started_at =
            beginning.wall + std::chrono::duration_cast<WallTime::duration>(*event.started_at);
    }
    posted.facts = facts_of(event.service);
    send(std::move(posted));
}

void Theatre::approve(TestEvent const& event, Incident const& incident) {
    for (auto const& run : incident.runs) {
        if (run.state != RunState::waiting) continue;
        auto const plan_asked = run.plan;
        Approved approved;
        approved.actor = person_;
        approved.incident = incident.id;
        approved.plan = plan_asked.hash;
        if (event.kind == "reject") {
            send(Rejected{person_, incident.id, plan_asked.hash});
        } else {
            approved.answer = answer(engine.ask_for(plan_asked));
            send(std::move(approved));
        }
        return;
    }
    object(event, "no plan waits");
}

void Theatre::run(TestEvent const& event) {
    auto const made = engine.plan(event.service, event.what, {}, now);
    RunAsked asked;
    asked.actor = person_;
    asked.service = event.service;
    asked.playbook = event.what;
    asked.reason = event.reason;
    if (made) asked.answer = answer(engine.ask_for(*made));
    send(std::move(asked));
}

bool Theatre::about_service(TestEvent const& event) {
    if (event.kind == "deploy") {
        deploy(event);
    } else if (event.kind == "run") {
        run(event);
    } else if (event.kind == "raise") {
        send(Raised{person_, event.service, event.what, event.reason});
    } else if (event.kind == "pause") {
        send(Paused{person_, event.service});
    } else if (event.kind == "resume") {
        send(Resumed{person_, event.service});
    } else if (event.kind == "silence") {
        auto const reason = event.reason.empty() ? "a test" : event.reason;
        send(SilenceAdded{person_, event.service, *parse_duration(event.what), reason});
    } else if (event.kind == "release") {
        send(VersionReleased{person_, event.service, event.what, event.reason});
    } else {
        return false;
    }
    return true;
}

void Theatre::about_incident(TestEvent const& event, Incident const& incident) {
    if (event.kind == "approve" || event.kind == "reject") {
        approve(event, incident);
    } else if (event.kind == "ack") {
        send(Acked{person_, incident.id});
    } else if (event.kind == "resolve") {
        send(ResolvedBy{person_, incident.id, event.reason});
    } else if (event.kind == "abort") {
        send(Aborted{person_, incident.id});
    } else if (event.kind == "false_positive") {
        send(VerdictGiven{person_, incident.id, "false-positive", event.reason});
    } else if (event.kind == "confirm") {
        auto const outcome = event.outcome.empty() ? "done" : event.outcome;
        auto const n = std::uint32_t(std::strtoul(event.what.c_str(), nullptr, 10));
        send(StepConfirmed{person_, incident.id, n, outcome, event.reason});
    }
}

void Theatre::happen(TestEvent const& event) {
    reply = {};
    if (change_world(event)) return;
    if (!about_service(event)) {
        auto const* const incident = open_incident(event.service);
        if (incident == nullptr) {
            object(event, "there is no incident");
            return;
        }
        about_incident(event, Incident(*incident));
    }
    if (reply.error) object(event, "refused: " + to_string(*reply.error));
}

}  // namespace

Played play(PolicyTest const& test, std::shared_ptr<Policy const> policy) {
    Played played;
    Theatre theatre(test, std::move(policy), played);
    for (auto const& expected : test.expectations) {
        theatre.run_until(beginning.boot + expected.at);
        if (auto failure = judge(expected, theatre.engine, theatre.now)) {
            played.failures.push_back(std::move(*failure));
        }
    }
    return played;
}

}  // namespace rollbackd::cli

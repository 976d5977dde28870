// A rehearsal with a world around it: probes that are asked at their pace, steps that take their
// time and end as told, answers to what the engine asks. What nobody tells is well. It stands in
// for daemon/ where a policy is tested or held against history; nothing is carried out.
#pragma once

#include "engine/rehearsal.hpp"

#include <deque>

namespace rollbackd::cli {

/// How a step, or a `run` entry of verify, behaves.
struct Behaviour {
    OutcomeKind ends = OutcomeKind::done;
    OutcomeKind settles = OutcomeKind::unknown;
    Duration takes = std::chrono::seconds(1);
};

class Stage : public Rehearsal {
public:
    Stage(std::shared_ptr<Policy const> policy, Now begin);

    /// Does `what` at that moment, after whatever was planned for it before.
    void plan(Instant when, std::function<void()> what);
    /// Everything up to that moment, and all that follows from it then.
    void run_until(Instant end);

    /// What a probe would see now. No answer at all: outer nothing. Nobody has told: well.
    struct Sight {
        bool told = false;
        std::optional<SampleValue> value;
    };
    virtual Sight look(std::string const& service, SignalPolicy const& probe) const;
    /// Its probe is asked from now on, at the pace the engine wants.
    void watch(std::string const& service, SignalPolicy const& probe);

    /// What a release consists of that is deployed now.
    ReleaseFacts facts_of(std::string const& service) const;
    /// The world asked afresh, as it is now.
    Answer answer(AskFresh const& ask);

    bool references_fail = false;
    std::string schema = "1";
    std::map<std::string, Behaviour> behaviours;  // by a step's name or type, a check's program
    std::map<std::string, Instant> carried_out;   // playbook → the end of its steps

    struct InEffect {
        std::string version;
        Instant since;
    };
    /// What runs of a service, in this world: what was deployed, or restored by a run's steps.
    InEffect in_effect(std::string const& service) const;

protected:
    void carry_out(std::vector<Command> commands) override;
    void applied(Record const& record) override;
    /// Something has happened: what depends on the state may look at it.
    virtual void settled() {}

private:
    struct Probe {
        std::string service;
        SignalPolicy policy;
        std::optional<Instant> last;
    };

    Behaviour behaviour_of(Step const& step) const;
    void perform(AskFresh const& ask);
    void perform(StartStep const& start);
    void perform(AdoptStep const& adopt);
    void perform(SettleStep const& settle);
    void perform(AbortStep const& abort);
    void perform(RunCheck const& check);
    void end_step(StartStep const& start, OutcomeKind kind, std::string text);
    Instant due(Probe const& probe) const;
    void ask(Probe& probe);
    bool act_now();
    void look_at_playbooks();
    void take_effect(std::string const& run_id);
    void follow_versions();

    std::multimap<Instant, std::function<void()>> agenda_;
    std::vector<Probe> probes_;
    std::map<std::pair<std::string, std::uint32_t>, StartStep> running_;
    std::map<std::string, InEffect> recorded_;
    std::map<std::string, InEffect> in_effect_;
    bool asks_playbooks_ = false;
    bool looked_ = false;
};

}  // namespace rollbackd::cli

// The promises of DESIGN A5 to A7, checked by somebody who has not read the engine. It reads the
// journal as a stream of JSON, is told what really happens, and keeps its own books; it includes
// none of the engine's headers but the policy and the words of the events.
#pragma once

#include "tests/simulation/disk.hpp"
#include "tests/simulation/watcher.hpp"
#include "tests/simulation/witness.hpp"

namespace rollbackd::simulation {

struct BookStep {
    std::string name, type, state = "pending", save;
    std::string when;
    bool always = false, idempotent = false, checked = false, approval = false;
    std::uint64_t retries = 0;
    Duration timeout{};
    std::set<std::uint64_t> intents;
    std::set<std::uint64_t> starts;
    int effects = 0;
    bool approved = false, worked = false;
    bool takes_version = false;          // that belongs to a backup
    std::optional<BackupTime> restored;  // the backup that its process has restored
};

struct BookReminder {
    std::uint64_t entry = 0;
    Duration every{};
    Time since{};
    std::int64_t last = 0;  // how many there may be
    std::int64_t told = 0;  // up to which of them
    bool over = false;
};

struct BookRun {
    std::string id, incident, service, playbook, plan, undoes, loss, target, blamed, state;
    std::vector<std::string> answers, locks;
    std::set<std::uint64_t> passed;  // entries of verify
    std::vector<BookStep> steps;
    std::vector<BookReminder> reminders;
    Json verify;
    std::optional<Duration> budget;
    bool asks = false, manual = false, automatic = false, aborting = false, storm = false;
    std::optional<Time> started, verifying, ended, waiting;
    std::string belongs;         // the version that belongs to the backup it has restored
    Time changed = Time::min();  // when the last step that did anything ended
    std::uint64_t started_seq = 0;
    Duration people{};
};

struct BookFiring {
    std::string trigger, when, blame, autonomy, response;
    std::uint64_t min_count = 0, resolve_samples = 3;
    std::optional<Duration> resolve_for;
    bool approval = false, raised = false, cleared = false, judged = false;
    Time fired{};
    std::vector<std::string> ladder;
};

struct BookIncident {
    std::string id, service, state;
    bool alert_only = false, silenced_once = false;
    std::map<std::string, BookFiring> firings;
    std::set<std::string> played;
    std::set<std::string> rejected;  // plans a person said no to
    std::set<std::string> refused;   // their playbooks, until the world has changed
    std::vector<std::string> runs;
    std::vector<std::pair<Time, Answer>> answers;  // to the question asked last
    Time opened{}, state_since{}, asked{};
    std::string told_state;  // at the end of the last transaction
    bool judged = false, asking = false, held = false;
    bool own_plan_gone = false;  // a person's, before it began
    bool unjudged = false;       // since it was to be judged again
    std::string severity;
    bool answered = false, recovered = false;
    std::optional<Time> told_again{}, worse{};
    std::vector<BookReminder> reminders;
};

struct BookVersion {
    std::string standing = "unknown";
    std::string schema;
};

struct BookDeployment {
    std::uint64_t seq = 0;
    std::string version;
    Time started{}, recorded{};
    Time seen{};  // by a signal, however late that could be written down; else when recorded
    bool known_good = false;
    bool in_effect = true;  // false: only said to be good
    std::optional<bool> schema_compatible;
    bool replaced =
        false;  // a rollback that began after it was over when it was recorded, or ended
};

struct BookService {
    std::map<std::string, BookVersion> versions;
    std::string current;
    struct Live {
        std::string version;
        WallTime from;
        bool or_before = false;
    };
    std::vector<Live> live;            // what was in effect since when
    std::map<std::string, Time> left;  // when a version was no longer in effect
    std::vector<BookDeployment> deployments;
    bool paused = false;
    std::set<std::string> frozen_by;
    std::map<std::string, std::set<std::string>> automatic;  // incident → its runs
    struct Start {
        std::string incident;
        Time at;
    };
    std::vector<Start> starts;
    std::optional<Time> last_end;
    std::string waiting;  // deployed while a run is on
    std::uint64_t last_rollback_seq = 0;
    bool restored = false;         // what is in effect was put there by a rollback
    std::set<std::string> undone;  // versions a rollback from has run
    std::map<std::string, Time> floors;
    std::map<std::string, std::optional<Time>> floors_before;  // a crash has raised them
    std::optional<Time> untrusted;
    std::set<std::string> demoted;
    std::map<std::string, bool> ready;  // by playbook
    struct ByHand {
        Time at;
        bool may_run;  // no step of it objects, or the person goes against that
    };
    std::map<std::string, std::vector<ByHand>> by_hand = {};  // by playbook
};

class Model final : public Witness {
public:
    Model(Timeline const& timeline, Machine const& machine, Disk& disk)
        : timeline_(timeline), machine_(machine), disk_(disk) {}

    std::map<std::string, Meanings> const* meanings = nullptr;
    std::function<void(std::string const&)> teller;  // null: nobody listens
    /// The wall clock is stepped: after a reboot nobody can say how old anything is.
    bool clock_steps = false;

    bool broken() const { return !broken_.empty(); }
    std::string const& what_broke() const { return broken_; }
    std::uint64_t incidents() const { return incidents_.size(); }
    std::uint64_t runs() const { return runs_.size(); }
    std::size_t checks() const { return checks_; }

    void process_started(Process const& process) override;
    void effect(Process const& process) override;
    void process_ended(Process const& process) override;
    void sampled(Sample const& sample, Time at) override;
    void overheard(Sample const& sample, Time at) override;
    void answered(std::string const& incident, Answer const& answer) override;
    void check_ended(CheckEnded const& ended) override;
    void approved(std::string const& incident, std::string const& plan) override;
    void delivered(std::string const& message) override;
    void written() override;
    void policy_in_force(std::shared_ptr<Policy const> policy) override;
    void daemon_started() override;
    void daemon_ended(Time kept) override;
    void machine_rebooted() override { rebooted_ = true; }
    void process_gone(Process const& process) override;
    void lease_taken(int node) override;
    void story(std::string const& line) override;

    /// A person goes against what the steps of that plan say.
    void forced(std::string const& plan) { forced_.insert(plan); }
    void asked_by_hand(
        std::string const& service, std::string const& playbook, Answer const& answer, bool force
    );

    /// Now and then, while everything runs: nothing hangs, nothing goes unnoticed.
    void look_around(bool writable);
    /// After everything has calmed down: nothing is left over.
    void all_settled();
    bool settled() const;
    void fault(std::string const& promise, std::string const& what);

private:
    using Handler = void (Model::*)(Json const&);
    void take(std::string const& kind, Json const& body);
    void end_of_batch();
    void require(bool holds, char const* promise, std::string const& what);

    // Two daemons on one store (model_nodes.cpp).
    void judge_actor(Process const& process);
    void judge_writer(Disk::Batch const& batch);

    // Records (model_records.cpp).
    void on_deployment(Json const& body);
    void on_opened(Json const& body);
    void on_joined(Json const& body);
    void on_state(Json const& body);
    void on_resolved(Json const& body);
    void on_reopened(Json const& body);
    void on_planned(Json const& body);
    void on_intent(Json const& body);
    void on_step_ended(Json const& body);
    void judge_when(BookRun const& run, BookStep const& step, bool begins);
    void on_run_ended(Json const& body);
    void on_message(Json const& body);
    void on_message_ended(Json const& body);
    void on_version(std::string const& kind, Json const& body);
    void on_switch(std::string const& kind, Json const& body);
    void on_readiness(Json const& body);
    void on_small(std::string const& kind, Json const& body);
    void add_firing(BookIncident& incident, Json const& json);

    // Nobody answers (model_answers.cpp).
    void on_unanswered(Json const& body);
    void on_fell_back(Json const& body);
    void note_answer(std::string const& incident, std::string const& by);
    std::optional<Duration> respond_within(BookIncident const& incident) const;
    void judge_told_again();
    void look_for_answers(Time now);
    void judge_silence_ended();
    bool stands(BookIncident const& incident) const;

    // Silence, and releases that nobody announced (model_sources.cpp).
    void note_silence(
        std::string const& service, TriggerPolicy const& trigger, Meanings const& means
    );
    void look_for_silence(Time now);
    void judge_silence(BookRun const& run, BookIncident const& incident);
    void judge_unannounced(
        std::string const& name, BookDeployment const& made, std::string const& signal
    );
    void look_for_releases(Time now);
    bool is_recorded(std::string const& service, std::string const& version, Time since) const;

    // What people are reminded of (model_reminders.cpp).
    static std::vector<BookReminder> reminders_of(Json const& plan);
    void begin_reminders(BookIncident& incident, BookRun const& verified);
    void on_reminded(Json const& body);
    void end_reminders(std::string const& incident);
    void look_for_reminders(Time now);

    // Promises (model_starts.cpp, model_proofs.cpp).
    void on_started(Json const& body);
    void judge_hands(BookRun const& run, BookIncident const& incident);
    void judge_people(BookRun const& run, BookIncident const& incident);
    void judge_target(BookRun const& run);
    void judge_looks(BookRun const& run, BookIncident const& incident);
    void judge_told_once(Json const& body);
    void judge_limits(BookRun const& run);
    void judge_world(BookRun const& run, BookIncident const& incident);
    void judge_blame(BookRun const& run, BookIncident const& incident);
    void judge_ladder(BookRun const& run, BookIncident const& incident);
    void judge_storm(BookRun const& run, BookIncident const& incident);
    void judge_flapping(BookRun const& run, BookIncident const& incident);
    void note_change(std::string const& service, TriggerPolicy const& trigger, Verdict verdict);
    bool attended(std::string const& service) const;
    void judge_truth(BookFiring const& firing, std::string const& service);
    void on_recovered(Json const& body);
    void on_check(Json const& body);
    void judge_recovery(BookRun const& run, BookFiring const& firing);
    void judge_check(BookRun const& run, Json const& check, std::size_t n);
    void on_known_good(Json const& body);
    void judge_broken(std::string const& service, std::string const& version);
    void watch(Sample const& sample, bool held);
    void age(std::string const& service);
    bool forgotten(BookIncident const& incident, ServicePolicy const& policy) const;
    void follow_triggers(ServicePolicy const* before, ServicePolicy const& now);
    void note_own_part(std::string const& key, Meanings const& means, Watcher::Look look);
    void judge_before(
        BookRun const& run, std::string const& trigger, Meanings const& means,
        BookDeployment const& deployment
    );
    BookRun* run(std::string const& id);
    Meanings const* meaning(BookFiring const& firing) const;
    Meanings const* meaning(TriggerPolicy const& trigger) const;
    bool is_windowed(TriggerPolicy const& trigger) const;
    bool is_dated(TriggerPolicy const& trigger) const;
    bool silenced(std::string const& service) const;
    bool times_are_known() const { return !rebooted_ || !clock_steps; }
    /// After a reboot wall time decides, and that is written down in microseconds.
    Duration blur() const { return std::chrono::microseconds(rebooted_ ? 1 : 0); }
    Time moment(Json const& moment) const;
    std::optional<Time> held_until(std::string const& service, Time at) const;
    Answer const* answer_of(BookIncident const& incident) const;
    BookDeployment const* blamed(BookService const& service) const;
    void put_into_effect(BookService& service, std::string const& version) const;
    void note_live(BookService& service, std::string const& version, WallTime from, bool good);
    void note_deployed(BookService& service, Json const& deployment);
    static std::string belongs_to(BookService const& service, BackupTime const& time);
    void judge_backup(BookRun& found, BookStep const& step, Json const& body);
    static bool overtaken(BookService const& service, BookDeployment const& made);
    static bool replaces(BookRun const& run, BookDeployment const& deployment);
    void judge_states();
    Time window_of(std::string const& service, BookDeployment const& deployment) const;

    Timeline const& timeline_;
    Machine const& machine_;
    Disk& disk_;
    std::shared_ptr<Policy const> policy_;
    Watcher watcher_;
    std::map<std::string, BookService> services_;
    WallTime wall_{};  // of the record that is read
    std::map<std::string, BookIncident> incidents_;
    std::map<std::string, BookRun> runs_;
    std::map<std::string, std::string> silences_;  // id → service
    std::map<std::string, std::set<std::string>> approvals_;
    std::map<std::string, bool> outbox_;                  // id → delivered
    std::map<std::string, std::set<std::string>> tells_;  // id → incidents it tells of
    std::set<std::string> delivered_;
    std::set<std::string> attended_now_;  // incidents something was done about in it
    std::set<std::string> told_now_;      // incidents with a message in this transaction
    std::set<std::string> again_now_;     // incidents that are to have one
    std::set<std::string> fallen_;        // messages that were handed on
    std::set<std::string> still_so_now_;  // incidents that are told of at the end of a silence
    std::optional<std::string> silence_ended_now_;  // of that service, or of all
    std::set<std::string> undoing_now_;             // rollbacks that start in it
    std::set<std::string> entered_now_;             // incidents that entered a state in it
    std::map<std::string, Time> true_at_;           // service/trigger → when it was true last
    std::set<std::string> true_now_;
    std::map<std::string, Time> own_part_;    // when what came after the deployment alone was true
    std::map<std::string, Time> heard_good_;  // service → newest good event of its log
    std::map<std::string, Time> looked_;      // service → when it was looked at last
    struct Changes {
        std::optional<Verdict> last;      // that was known
        Time looked{};                    // when that was
        std::optional<Time> true_from{};  // without a break
        std::deque<Time> by_itself;
    };
    std::map<std::string, Changes> changes_;
    std::map<std::string, Time> attended_;  // service → when rollbackd last had a hand in it
    std::map<std::string, Verdict> verdicts_;
    std::map<std::string, Time> true_since_;  // without a break, and nobody was told yet
    std::set<std::string> forced_;            // plans, by hash
    /// Incident, channel: the newest refusal told there, and the message that told it.
    std::map<std::string, std::map<std::string, std::pair<std::string, std::string>>>
        refusals_told_;
    std::optional<int> holder_;  // of a shared store
    std::uint64_t holders_ = 0;
    std::map<std::string, std::set<std::pair<std::uint64_t, std::uint64_t>>> live_;  // by run
    bool paused_ = false;
    bool rebooted_ = false;
    bool lossy_ = false;  // a full disk kept checkpoints from being as fresh as they ought to be
    bool alive_ = false;
    std::size_t batches_ = 0;
    std::uint64_t seq_ = 0;
    Time now_{};          // of the record that is read
    Time started_{};      // the daemon, last
    Time undisturbed_{};  // nothing was wrong with daemon and disk since
    std::string broken_;
    std::size_t checks_ = 0;
    std::set<std::string> checks_passed_;  // run/n
};

/// Somebody is paged: it is not only a plan that is made ready.
bool pages(BookIncident const& incident);

// How the model reads a record.
std::string word(Json const& json, char const* member);
std::uint64_t number(Json const& json, char const* member);
bool flag(Json const& json, char const* member);
std::vector<std::string> words(Json const& json, char const* member);

}  // namespace rollbackd::simulation

// The daemon around the engine, in simulated time: the live loop of daemon/decider.cpp, the hands,
// the probes, the outbox and the checkpoints, each as it is there, but for the coroutines. It can
// be killed at every point between two journal writes.
#pragma once

#include "daemon/known_release.hpp"
#include "daemon/schedule.hpp"
#include "daemon/store/restore.hpp"
#include "tests/simulation/disk.hpp"
#include "tests/simulation/world.hpp"
#include "triggers/sources/alert_table.hpp"

#include <deque>

namespace rollbackd::simulation {

/// Where in a decision's life the daemon is killed.
enum class CrashPoint {
    before_append,
    append_lost,
    append_written,
    after_append,
    after_apply,
    between_commands,
    after_commands,
};
inline constexpr int crash_points = 7;

struct ShellParts {
    Timeline& timeline;
    Machine& machine;
    World& world;
    Disk& disk;
    Random& random;
    Witness& witness;
    int node = 0;         // of the two that share a store
    bool shared = false;  // it acts only while it holds the lease
};

class Shell {
public:
    explicit Shell(ShellParts parts) : parts_(parts) {
        seat_.node = parts.node;
        seat_.shared = parts.shared;
    }

    std::shared_ptr<Policy const> file;  // what the configuration file says
    double slow_appends = 0.15;
    std::function<void()> on_crash;                // it was killed: somebody starts it again
    std::function<void(Record const&)> on_record;  // somebody follows the journal
    std::function<void()> on_saved;                // windows and offsets are durable

    void start();
    void crash(std::string const& where);
    void stop();
    /// It is there and answers: a process that stands still does not.
    bool alive() const { return lives() && !paused_; }
    bool lives() const { return engine_ != nullptr; }
    bool writable() const { return writable_; }
    Engine const& engine() const { return *engine_; }
    /// Killed at that point of the `decisions`-th decision with records from now.
    void arm(CrashPoint point, int decisions) { armed_ = Armed{point, decisions}; }
    bool armed() const { return armed_.has_value(); }

    using Answer_ = std::function<void(Reply)>;
    void ingest(Sample sample) { ingest(std::span(&sample, 1)); }
    /// What was brought in one body, or read at once, is judged at once.
    void ingest(std::span<Sample const> samples);
    void submit(Event event, Answer_ answer = {});
    void post(Event event);
    /// As the API does before it decides an approval or a run.
    void ask(AskFresh question, std::function<void(Answer)> then);
    void reload();
    void save(bool with_state);

    /// How many lines of the service's tape the daemon has read; none: nothing reads it.
    std::optional<std::size_t> read_of(std::string const& service) const;

    /// A body of Alertmanager's; false: nobody has taken it.
    bool hear_alerts(std::string const& service, std::vector<Alert> const& alerts);

    // Two daemons on one store (shell_lease.cpp).
    /// Takes the lease; false: the other one holds it, or there is no way to ask.
    bool take_lease();
    void cut_off(bool cut) { seat_.cut = cut; }
    /// Stands still, in the middle of whatever it does.
    void pause();
    void resume();
    /// Stands still when its next decision is durable and nothing of it has been done.
    void pause_after_intent() { pause_armed_ = true; }
    /// The newest checkpoint of the store: windows as they were then.
    Time saved_at() const { return saved_at_; }
    void found_saved_at(Time when) { saved_at_ = when; }

    static constexpr Duration retry_after = std::chrono::seconds(1);

private:
    struct Item {
        Event event;
        Answer_ answer;
        bool person = false;
        bool told = false;
        std::shared_ptr<Decision const> doubt = nullptr;
        bool over_unless_written = false;
    };
    struct Flight {
        Item item;
        Decision decision;
        Now now;
        std::shared_ptr<Policy const> policy;  // that it was decided by
    };
    struct Armed {
        CrashPoint point;
        int decisions;
    };
    struct Lane {
        bool busy = false;
        Instant next_try{};
        Duration backoff = std::chrono::seconds(1);
        Instant looked = Instant::min();  // looked at again then
        unsigned failures = 0;
    };
    struct Probing {
        SignalPolicy policy;
        std::optional<Schedule> schedule;
        Instant due{};
        Instant last = Instant::min();
        std::uint64_t turn = 0;
        bool asking = false;
    };

    // The live loop (shell.cpp).
    void pump();
    void elapse();
    void handle(Item item);
    void land();
    bool dies(CrashPoint point);
    Result<std::vector<Record>> append(std::vector<RecordDraft> const& drafts, Now now);
    void not_written(Flight flight, Error const& error);
    void settle_doubt(Item item);
    void put_back(Item item);
    void on_applied(std::vector<Record> const& records);
    void serve_without_journal();
    bool refuse(Item& item, Decision const& decision);
    void act(Flight flight, std::vector<Record> records);
    bool may_act();
    void keep_lease();
    void lose(std::string const& why);
    Disk& disk() {
        parts_.disk.sit(seat_);
        return parts_.disk;
    }
    void wake_at(Instant when);
    void later(Duration delay, std::function<void()> what);

    // The hands (shell_hands.cpp).
    void carry_out(Command command);
    void operator_step(StartStep command);
    void wait_for(World::Key key, StartStep command);
    void settle(SettleStep const& command);
    void check(RunCheck const& command);
    std::vector<SignalPolicy> probes_of(std::string const& service) const;
    Answer look(AskFresh const& question);
    void ask_steps(Plan const& plan, Answer& answer);
    void forget_what_ended(Record const& record);
    void watch_blindness();

    // Probes and messages (shell_senses.cpp).
    void follow_probes();
    using ProbeKey = std::pair<std::string, std::string>;  // service, signal
    void arm_probe(ProbeKey const& key);
    void probe(ProbeKey const& key);
    void hurry(std::string const& service);
    void deliver_due();
    void deliver(std::shared_ptr<Message const> message);
    void hand_on(std::string const& channel);
    void remember(MessageDelivered outcome, bool over, std::string channel);

    // Sources (shell_tapes.cpp).
    struct Reading {
        std::size_t read = 0;  // lines
        std::optional<Instant> unread_since;
        bool told = false;
    };
    void follow_tapes(Json const& offsets);
    void read_tapes();
    void read_tape(std::string const& service, Tape const& tape);
    void perceive(Sample const& sample);
    JsonObject source_offsets() const;

    // Releases and alerts (shell_sources.cpp).
    void follow_sources(Json const& offsets);
    void look_at_releases();

    ShellParts parts_;
    Seat seat_;
    std::vector<std::function<void()>> slept_;  // what came due while it stood still
    bool paused_ = false;
    bool pause_armed_ = false;
    bool holding_ = false;  // a durable decision waits for the lease
    std::unique_ptr<Engine> engine_;
    std::deque<Item> queue_;
    std::set<std::string> progress_queued_;
    std::optional<Flight> flight_;
    std::optional<Instant> retry_at_;
    std::optional<Armed> armed_;
    std::map<std::string, Lane> lanes_;
    std::map<ProbeKey, Probing> probes_;
    std::map<std::string, Reading> tapes_;
    std::map<std::string, AlertTable> alerts_;  // by service
    std::optional<KnownReleases> releases_;
    std::set<std::pair<std::string, std::uint32_t>> aborted_;
    Time saved_at_{};
    std::uint64_t life_ = 0;
    std::uint64_t wakes_ = 0;
    bool writable_ = true;
    bool watching_blindness_ = false;
    bool pumping_ = false;
};

}  // namespace rollbackd::simulation

// The shell's heart: one event at a time goes through the engine, its records through the journal,
// and only then its commands are carried out. Everybody else on the loop hands samples and events
// to it. One thread; the journal's blocking calls run on the journal thread.
#pragma once

#include "core/io/blocking.hpp"
#include "core/io/clock.hpp"
#include "core/io/deadline.hpp"
#include "daemon/store/journal.hpp"
#include "engine/engine.hpp"

#include <deque>
#include <functional>
#include <set>

namespace rollbackd {

/// What the decider tells the rest of the daemon, on the loop thread.
struct DeciderCallbacks {
    std::function<void(Command)> command;  // its records are durable
    /// After the commands that came with them have been begun; `cause` is what was decided about.
    std::function<void(std::vector<Record> const&, Event const& cause)> applied;
    /// The journal cannot be written: these messages go out from memory, marked so.
    std::function<void(std::vector<Message> const&, std::string const& why)> unrecorded;
    std::function<void(bool writable, std::string const& why)> journal;
    std::function<void(Duration append)> appended;           // how long one append took
    std::function<void(std::string const& why)> lost_lease;  // another daemon has taken over
};

class Decider {
public:
    Decider(
        boost::asio::any_io_executor executor, Engine& engine, Journal& journal,
        BlockingPool& journal_thread, Clock const& clock, DeciderCallbacks callbacks
    );

    /// A daemon's first words: its policy, and that it goes on where the journal stopped (what ran
    /// is adopted, what fell due is seen to). Kept like everything of its own until they could be
    /// written down; answers then, or with Errc::unavailable when they cannot be yet. `node` names
    /// the folder of its steps.
    boost::asio::awaitable<Reply> begin(std::string node = {});
    /// Takes events until close() was called and the queue is empty.
    boost::asio::awaitable<void> run();
    void close();

    /// Waits for the decision about a person's event to be durable. Errc::unavailable: it could not
    /// be written down, so nothing happened.
    boost::asio::awaitable<Reply> submit(Event event);
    /// The daemon's own events (outcomes, edges): kept until they could be written down.
    void post(Event event);
    /// Errc::unavailable: the queue is full; nothing was taken.
    Result<void> ingest(std::span<Sample const> samples);

    /// Asked last before anything is begun; waits where the lease must be asked for again. False:
    /// another daemon acts, or we end; it is not begun.
    boost::asio::awaitable<bool> may_act();

    /// Deadlines may have changed without a sample or an event: a new policy is in effect.
    void look_again() { wake_.notify(); }

    bool writable() const { return writable_; }
    std::size_t queued() const { return queue_.size(); }
    std::uint64_t samples_seen() const { return samples_seen_; }
    /// Whether the decider has waited for the journal longer than it ever should.
    bool stuck(Now now) const;
    /// A write elsewhere (the checkpoint, the lease) worked or did not: the same journal.
    void note_journal(bool writable, std::string const& why);
    /// Another daemon has taken over: nothing is decided any more, nobody is told anything.
    void lose(std::string const& why);

    static constexpr std::size_t queue_max = 20000;
    static constexpr Duration retry_after = std::chrono::seconds(1);
    static constexpr std::size_t told_max = 1000;
    static constexpr Duration stuck_after = std::chrono::seconds(60);

private:
    struct Slot {
        explicit Slot(boost::asio::any_io_executor executor) : done(std::move(executor)) {}
        Reply reply;
        bool finished = false;
        WakeUp done;
    };
    struct Item {
        Event event;
        std::shared_ptr<Slot> slot;  // null: the daemon's own
        bool told = false;           // its messages went out unrecorded already
        /// Nobody knows yet whether this decision about it was written down.
        std::shared_ptr<Decision const> doubt = nullptr;
        bool over_unless_written = false;  // the person was refused: it is not decided again
    };

    boost::asio::awaitable<void> handle(Item item);
    boost::asio::awaitable<void> settle(Item item);
    boost::asio::awaitable<void> carry_out(
        std::vector<Command> commands, std::vector<Record> const& durable, Event const& cause
    );
    bool relies_on_lease() const;
    void not_written(Item item, Decision decision, Error const& error);
    boost::asio::awaitable<void> wait_without_journal(Duration left);
    void serve_without_journal();
    bool refuse(Item& item, Decision const& decision, bool unknown);
    static void finish(Item& item);
    void put_back(Item item);
    void post_tick();
    boost::asio::awaitable<void> idle(Instant now);
    /// Errc::timeout: nobody knows whether they were written; settle() finds out before anything
    /// else is decided. Other errors: they were not.
    boost::asio::awaitable<Result<std::vector<Record>>> append(
        std::vector<RecordDraft> drafts, Now now
    );
    void tell_unrecorded(Item& item, Decision const& decision);
    void elapse();

    boost::asio::any_io_executor executor_;
    Engine& engine_;
    Journal& journal_;
    BlockingPool& journal_thread_;
    Clock const& clock_;
    DeciderCallbacks callbacks_;
    std::deque<Item> queue_;
    std::set<std::string> progress_queued_;  // services: one progress edge each is enough
    WakeUp wake_;
    Instant armed_ = Instant::max();  // the deadline the loop sleeps for; min: it is awake
    bool closing_ = false;
    bool lost_ = false;
    bool writable_ = true;
    std::string unwritable_why_;
    /// The event at the queue's head could not be written: nothing is tried again before this.
    std::optional<Instant> retry_at_;
    std::set<std::string> told_;  // what went out unrecorded since the journal was lost
    std::uint64_t samples_seen_ = 0;
    std::optional<Instant> waiting_since_;
};

}  // namespace rollbackd

#include "daemon/decider.hpp"

#include "core/ensure.hpp"
#include "core/io/task_group.hpp"

#include <algorithm>

namespace rollbackd {

namespace asio = boost::asio;

Decider::Decider(
    asio::any_io_executor executor, Engine& engine, Journal& journal, BlockingPool& journal_thread,
    Clock const& clock, DeciderCallbacks callbacks
)
    : executor_(executor),
      engine_(engine),
      journal_(journal),
      journal_thread_(journal_thread),
      clock_(clock),
      callbacks_(std::move(callbacks)),
      wake_(executor) {}

asio::awaitable<Reply> Decider::begin(std::string node) {
    post(PolicyLoaded{});
    Recovered recovered;
    recovered.node = std::move(node);
    post(std::move(recovered));
    // Behind them, and answered without a record of its own: the delivery of no message.
    MessageDelivered nothing;
    Event last = std::move(nothing);
    auto reply = co_await submit(std::move(last));
    if (!reply.error && !writable_) reply.error = Error{Errc::unavailable, unwritable_why_, {}};
    co_return reply;
}

asio::awaitable<void> Decider::run() {
    while (!lost_ && (!closing_ || !queue_.empty())) {
        auto const now = clock_.now().boot;
        // At the stop everything left is tried once more, at once.
        if (retry_at_ && *retry_at_ > now && !closing_) {
            co_await wait_without_journal(*retry_at_ - now);
            continue;
        }
        if (queue_.empty()) {
            co_await idle(now);
            continue;
        }
        auto item = std::move(queue_.front());
        queue_.pop_front();
        if (auto const* edges = std::get_if<EdgesSeen>(&item.event)) {
            for (auto const& edge : edges->edges) {
                if (edge.kind == EdgeKind::progress) progress_queued_.erase(edge.service);
            }
        }
        co_await handle(std::move(item));
        // A busy queue must not starve the clock.
        if (engine_.next_deadline() <= clock_.now().boot) elapse();
    }
    for (auto& item : queue_) {
        if (!item.slot) continue;
        item.slot->reply.error = Error{Errc::unavailable, unwritable_why_, {}};
        finish(item);
    }
}

asio::awaitable<void> Decider::idle(Instant now) {
    auto const due = engine_.next_deadline();
    if (due <= now) {
        elapse();
        co_return;
    }
    // An hour at most: a suspended machine's clock is looked at again.
    auto const wait = std::min<Duration>(due - now, std::chrono::hours(1));
    armed_ = due;
    co_await wake_.wait_for(wait);
    armed_ = Instant::min();
}

// What cannot be written down is not done, but people are told and answered meanwhile.
asio::awaitable<void> Decider::wait_without_journal(Duration left) {
    if (engine_.next_deadline() <= clock_.now().boot) elapse();
    serve_without_journal();
    auto const due = engine_.next_deadline() - clock_.now().boot;
    auto const wait = std::clamp<Duration>(due, Duration::zero(), left);
    armed_ = engine_.next_deadline();
    if (wait > Duration::zero()) co_await wake_.wait_for(wait);
    armed_ = Instant::min();
}

void Decider::serve_without_journal() {
    auto const now = clock_.now();
    for (auto item = queue_.begin(); item != queue_.end();) {
        if (item->slot) {
            auto decision = engine_.decide(item->event, now);
            bool kept = false;
            if (decision.records.empty()) {
                item->slot->reply = std::move(decision.reply);
            } else {
                kept = refuse(*item, decision, false);
            }
            finish(*item);
            item = kept ? std::next(item) : queue_.erase(item);
            continue;
        }
        if (!item->told) tell_unrecorded(*item, engine_.decide(item->event, now));
        ++item;
    }
}

void Decider::close() {
    closing_ = true;
    wake_.notify();
}

void Decider::elapse() {
    auto edges = engine_.elapse(clock_.now());
    if (!edges.empty()) post(EdgesSeen{std::move(edges)});
    post_tick();
}

// One in the queue is enough: it looks at everything that is due by then.
void Decider::post_tick() {
    for (auto& item : queue_) {
        if (!std::holds_alternative<Tick>(item.event)) continue;
        item.told = false;  // more may be due than when it was told
        return;
    }
    post(Tick{});
}

asio::awaitable<Reply> Decider::submit(Event event) {
    Reply refused;
    if (closing_) {
        refused.error = Error{Errc::unavailable, "the daemon is stopping", {}};
        co_return refused;
    }
    if (queue_.size() >= queue_max) {
        refused.error = Error{Errc::unavailable, "the queue of events is full; try again", {}};
        co_return refused;
    }
    auto const slot = std::make_shared<Slot>(executor_);
    queue_.push_back({std::move(event), slot, false});
    wake_.notify();
    while (!slot->finished) co_await slot->done.wait();
    co_return slot->reply;
}

void Decider::post(Event event) {
    queue_.push_back({std::move(event), nullptr, false});
    wake_.notify();
}

Result<void> Decider::ingest(std::span<Sample const> samples) {
    if (queue_.size() >= queue_max) {
        return fail(Errc::unavailable, "the queue of events is full; try again in a second");
    }
    samples_seen_ += samples.size();
    auto edges = engine_.observe(samples, clock_.now());
    std::erase_if(edges, [&](Edge const& edge) {
        return edge.kind == EdgeKind::progress && !progress_queued_.insert(edge.service).second;
    });
    if (!edges.empty()) {
        post(EdgesSeen{std::move(edges)});
    } else if (armed_ != Instant::min() && engine_.observed_deadline() < armed_) {
        wake_.notify();  // a `for` or a start_period began: the loop must not sleep past it
    }
    return {};
}

asio::awaitable<void> Decider::handle(Item item) {
    if (item.doubt) {
        co_await settle(std::move(item));
        co_return;
    }
    auto const now = clock_.now();
    auto decision = engine_.decide(item.event, now);
    std::vector<Record> durable;
    if (!decision.records.empty()) {
        auto records = co_await append(decision.records, now);
        if (!records) {
            not_written(std::move(item), std::move(decision), records.error());
            co_return;
        }
        retry_at_.reset();
        note_journal(true, "");
        durable = std::move(*records);
        for (auto const& record : durable) engine_.apply(record);
    }
    if (item.slot) item.slot->reply = std::move(decision.reply);
    co_await carry_out(std::move(decision.commands), durable, item.event);
    finish(item);
}

// What is done goes before what is told of it: a step must not wait for the log's lines.
asio::awaitable<void> Decider::carry_out(
    std::vector<Command> commands, std::vector<Record> const& durable, Event const& cause
) {
    if (!commands.empty()) {
        if (!co_await may_act()) co_return;
        for (auto& command : commands) callbacks_.command(std::move(command));
        co_await asio::post(executor_, asio::use_awaitable);
    }
    if (!durable.empty()) callbacks_.applied(durable, cause);
}

bool Decider::relies_on_lease() const {
    auto const* const lease = journal_.lease();
    return lease == nullptr || relies_on(lease->expires(), clock_.now().boot);
}

// Between the append and now the process may have stood still, and another daemon may have taken
// over, found the intent and settled it: whoever cannot rely on the lease any more asks first.
// False: the commands are not carried out; the next life finds them in the journal.
asio::awaitable<bool> Decider::may_act() {
    while (!lost_ && !relies_on_lease()) {
        auto* const lease = journal_.lease();
        auto const now = clock_.now();
        auto job = [lease, now] { return lease->renew(now); };
        auto const renewed = co_await run_blocking(journal_thread_, std::move(job));
        if (renewed) continue;
        if (renewed.error().code == Errc::conflict) {
            lose(renewed.error().what);
        } else {
            if (closing_) co_return false;
            note_journal(false, renewed.error().what);
            serve_without_journal();
            co_await wake_.wait_for(retry_after);
        }
    }
    co_return !lost_;
}

void Decider::lose(std::string const& why) {
    if (lost_) return;
    lost_ = true;
    closing_ = true;
    writable_ = false;
    unwritable_why_ = why;
    wake_.notify();
    if (callbacks_.lost_lease) callbacks_.lost_lease(why);
}

void Decider::not_written(Item item, Decision decision, Error const& error) {
    note_journal(false, error.what);
    tell_unrecorded(item, decision);
    bool const unknown = error.code == Errc::timeout;
    bool const person = item.slot != nullptr;
    bool const kept = !person || refuse(item, decision, unknown);
    finish(item);
    if (unknown) {
        item.doubt = std::make_shared<Decision const>(std::move(decision));
        item.over_unless_written = !kept;
        if (!closing_) put_back(std::move(item));
    } else if (person && kept) {
        queue_.push_back(std::move(item));
    } else if (kept && !closing_) {
        put_back(std::move(item));
    }
}

// A decision of which nobody knows whether it was written down: the store's tail does (A5.9). Until
// it has been read again nothing else is decided, or it would be decided on a past that is not so.
asio::awaitable<void> Decider::settle(Item item) {
    auto* const journal = &journal_;
    auto const before = engine_.state().seq;
    auto const wanted = item.doubt->records.size();
    auto job = [journal, before, wanted]() -> Result<std::vector<Record>> {
        if (auto reread = journal->reread_tail(); !reread) return tl::unexpected(reread.error());
        if (journal->last_seq() == before) return std::vector<Record>();
        return journal->read(before + 1, wanted);
    };
    auto records = co_await run_blocking(journal_thread_, std::move(job));
    if (!records) {
        if (records.error().code == Errc::conflict) lose(records.error().what);
        note_journal(false, records.error().what);
        if (!closing_) put_back(std::move(item));
        co_return;
    }
    retry_at_.reset();
    auto const decision = std::exchange(item.doubt, nullptr);
    if (records->empty()) {
        if (!item.over_unless_written) queue_.push_front(std::move(item));
        co_return;
    }
    note_journal(true, "");
    for (auto const& record : *records) engine_.apply(record);
    co_await carry_out(decision->commands, *records, item.event);
}

// The daemon's own event waits at the queue's head until it can be written down.
void Decider::put_back(Item item) {
    if (auto const* edges = std::get_if<EdgesSeen>(&item.event)) {
        for (auto const& edge : edges->edges) {
            if (edge.kind == EdgeKind::progress) progress_queued_.insert(edge.service);
        }
    }
    queue_.push_front(std::move(item));
    retry_at_ = clock_.now().boot + retry_after;
}

// True: the event is not over. An abort still kills, though it could not be written down; once it
// can, it is, before the end of the step it killed: else that looks like a failure, and the ladder
// would go on.
bool Decider::refuse(Item& item, Decision const& decision, bool unknown) {
    bool killed = false;
    for (auto const& command : decision.commands) {
        if (!std::holds_alternative<AbortStep>(command)) continue;
        callbacks_.command(command);
        killed = true;
    }
    std::string const what =
        killed    ? "aborted, though the journal cannot be written: "
        : unknown ? "the journal does not say whether it was written; look before you repeat it: "
                  : "the journal cannot be written, so nothing was done: ";
    item.slot->reply.error = Error{Errc::unavailable, what + unwritable_why_, {}};
    return killed;
}

void Decider::finish(Item& item) {
    if (!item.slot) return;
    item.slot->finished = true;
    item.slot->done.notify();
    item.slot.reset();
}

asio::awaitable<Result<std::vector<Record>>> Decider::append(
    std::vector<RecordDraft> drafts, Now now
) {
    auto const started = clock_.now().boot;
    waiting_since_ = started;
    auto const before = engine_.state().seq;
    auto const boot_id = clock_.boot_id();
    auto* const journal = &journal_;
    auto const wanted = drafts.size();
    auto job = [journal, drafts = std::move(drafts), now, boot_id, before,
                wanted]() -> Result<std::vector<Record>> {
        auto records = journal->append(drafts, now, boot_id);
        if (records || records.error().code != Errc::timeout) return records;
        // Nobody knows whether it was written: the store's tail does, once it answers.
        if (auto reread = journal->reread_tail(); !reread) return records;
        if (journal->last_seq() == before + wanted) return journal->read(before + 1, wanted);
        return fail(Errc::unavailable, records.error().what);
    };
    auto records = co_await run_blocking(journal_thread_, std::move(job));
    waiting_since_.reset();
    if (records && callbacks_.appended) callbacks_.appended(clock_.now().boot - started);
    if (!records && records.error().code == Errc::conflict) lose(records.error().what);
    co_return records;
}

void Decider::tell_unrecorded(Item& item, Decision const& decision) {
    if (item.told || lost_) return;
    item.told = true;
    std::vector<Message> messages;
    for (auto const& draft : decision.records) {
        if (draft.kind != "message.queued") continue;
        auto const* const member = find(draft.body, "message");
        auto message = member == nullptr ? fail(Errc::internal, "") : read_json<Message>(*member);
        if (!message) continue;
        // Decided again and again on a state that cannot move on: said once.
        auto const said = message->channel + "\n" + message->event + "\n" + message->text;
        if (told_.size() < told_max && !told_.insert(said).second) continue;
        messages.push_back(std::move(*message));
    }
    if (!messages.empty()) callbacks_.unrecorded(messages, unwritable_why_);
}

void Decider::note_journal(bool writable, std::string const& why) {
    if (lost_) return;
    if (!writable) unwritable_why_ = why;
    if (writable == writable_) return;
    writable_ = writable;
    if (writable) told_.clear();
    callbacks_.journal(writable, why);
}

bool Decider::stuck(Now now) const {
    return waiting_since_ && now.boot - *waiting_since_ > stuck_after;
}

}  // namespace rollbackd

#include "tests/simulation/shell.hpp"

#include "engine/records.hpp"

namespace rollbackd::simulation {

using namespace std::chrono_literals;

// Whatever the daemon had begun is forgotten when it dies.
void Shell::later(Duration delay, std::function<void()> what) {
    parts_.timeline.after(delay, [this, life = life_, what = std::move(what)] {
        if (!lives() || life != life_) return;
        if (paused_) {
            slept_.push_back(what);
        } else {
            what();
        }
    });
}

void Shell::start() {
    auto const now = parts_.machine.now();
    disk().reopen();
    engine_ = std::make_unique<Engine>(file, now, parts_.machine.boot_id());
    parts_.witness.policy_in_force(file);
    std::string problem;
    auto const offsets = restore(*engine_, disk(), now, problem);
    ensure(problem.empty(), "the simulated journal can be read");
    parts_.witness.daemon_started();
    // As app_life.cpp does: in this order, kept until they could be written down.
    post(PolicyLoaded{});
    Recovered recovered;
    if (parts_.shared) recovered.node = "node " + std::to_string(parts_.node);
    post(std::move(recovered));
    if (!lives()) return;
    if (parts_.shared) later(lease_renewed_every, [this] { keep_lease(); });
    follow_tapes(offsets);
    follow_sources(offsets);
    follow_probes();
    save(false);
    deliver_due();
}

void Shell::crash(std::string const& where) {
    parts_.witness.story("CRASH " + where);
    auto queue = std::exchange(queue_, {});
    auto flight = std::exchange(flight_, std::nullopt);
    engine_.reset();
    ++life_;
    progress_queued_.clear();
    retry_at_.reset();
    armed_.reset();
    lanes_.clear();
    probes_.clear();
    tapes_.clear();
    alerts_.clear();
    aborted_.clear();
    writable_ = true;
    watching_blindness_ = false;
    paused_ = pause_armed_ = holding_ = false;
    slept_.clear();
    parts_.world.leave_processes(parts_.node);
    parts_.witness.daemon_ended(saved_at_);
    Reply lost;
    lost.error = Error{Errc::unavailable, "the connection was lost", {}};
    if (flight) queue.push_front(std::move(flight->item));
    for (auto const& item : queue) {
        if (item.answer) item.answer(lost);
    }
    if (on_crash) on_crash();
}

// What is in flight is finished first, then everything is saved.
void Shell::stop() {
    if (flight_) {
        later(1s, [this] { stop(); });
        return;
    }
    save(true);
    if (!queue_.empty()) parts_.witness.story("events are left in the queue");
    if (parts_.shared) disk().release();
    crash("(stopped)");
}

void Shell::wake_at(Instant when) {
    auto const wake = ++wakes_;
    auto const delay = std::max(when - parts_.machine.now().boot, Duration::zero());
    later(std::min<Duration>(delay, 1h), [this, wake] {
        if (wake == wakes_) pump();
    });
}

void Shell::pump() {
    if (pumping_) return;
    pumping_ = true;
    while (lives() && !flight_ && !holding_) {
        auto const now = parts_.machine.now().boot;
        if (retry_at_ && *retry_at_ > now) {
            if (engine_->next_deadline() <= now) elapse();
            serve_without_journal();
            wake_at(std::min(*retry_at_, engine_->next_deadline()));
            break;
        }
        if (queue_.empty()) {
            auto const due = engine_->next_deadline();
            if (due > now) {
                wake_at(due);
                break;
            }
            elapse();
            continue;
        }
        auto item = std::move(queue_.front());
        queue_.pop_front();
        if (auto const* edges = std::get_if<EdgesSeen>(&item.event)) {
            for (auto const& edge : edges->edges) {
                if (edge.kind == EdgeKind::progress) progress_queued_.erase(edge.service);
            }
        }
        handle(std::move(item));
        if (lives() && !flight_ && engine_->next_deadline() <= now) elapse();
    }
    pumping_ = false;
}

void Shell::elapse() {
    auto edges = engine_->elapse(parts_.machine.now());
    if (!edges.empty()) queue_.push_back({EdgesSeen{std::move(edges)}, {}, false, false});
    for (auto& item : queue_) {
        if (!std::holds_alternative<Tick>(item.event)) continue;
        item.told = false;
        return;
    }
    queue_.push_back({Tick{}, {}, false, false});
}

void Shell::ingest(std::span<Sample const> samples) {
    if (!alive()) return;
    // Seen after windows were saved at this very moment, it is in none.
    if (saved_at_ == parts_.timeline.now()) saved_at_ -= Duration(1);
    for (auto const& sample : samples) {
        parts_.witness.sampled(sample, parts_.machine.time_of(sample.at));
    }
    auto edges = engine_->observe(samples, parts_.machine.now());
    std::erase_if(edges, [&](Edge const& edge) {
        return edge.kind == EdgeKind::progress && !progress_queued_.insert(edge.service).second;
    });
    if (!edges.empty()) queue_.push_back({EdgesSeen{std::move(edges)}, {}, false, false});
    pump();
}

void Shell::submit(Event event, Answer_ answer) {
    if (!alive()) {
        Reply refused;
        refused.error = Error{Errc::unavailable, "nobody listens", {}};
        if (answer) answer(refused);
        return;
    }
    queue_.push_back({std::move(event), std::move(answer), true, false});
    pump();
}

void Shell::post(Event event) {
    queue_.push_back({std::move(event), {}, false, false});
    pump();
}

bool Shell::dies(CrashPoint point) {
    if (!armed_ || armed_->point != point || armed_->decisions > 0) return false;
    crash("at point " + std::to_string(int(point)));
    return true;
}

void Shell::handle(Item item) {
    if (item.doubt) {
        settle_doubt(std::move(item));
        return;
    }
    auto const now = parts_.machine.now();
    auto decision = engine_->decide(item.event, now);
    if (decision.records.empty()) {
        if (item.answer) item.answer(decision.reply);
        for (auto& command : decision.commands) carry_out(std::move(command));
        return;
    }
    if (armed_) --armed_->decisions;
    flight_ = Flight{std::move(item), std::move(decision), now, engine_->policy_ptr()};
    if (dies(CrashPoint::before_append)) return;
    if (!parts_.random.chance(slow_appends)) {
        land();
        return;
    }
    auto const slow = parts_.random.chance(0.05) ? 5s : 200ms;
    later(parts_.random.between(1ms, slow), [this] {
        land();
        pump();
    });
}

// The job on the journal thread, then what follows on the loop.
void Shell::land() {
    if (dies(CrashPoint::append_lost)) return;
    auto flight = std::move(*flight_);
    disk().decided_by = flight.policy;
    auto records = append(flight.decision.records, flight.now);
    flight_ = std::move(flight);
    if (records) parts_.witness.written();
    if (dies(CrashPoint::append_written) || dies(CrashPoint::after_append)) return;
    flight = std::move(*flight_);
    flight_.reset();
    if (!records) {
        not_written(std::move(flight), records.error());
        return;
    }
    retry_at_.reset();
    writable_ = true;
    for (auto const& record : *records) engine_->apply(record);
    flight_ = std::move(flight);
    if (dies(CrashPoint::after_apply)) return;
    flight = std::move(*flight_);
    flight_.reset();
    act(std::move(flight), *std::move(records));
}

// What is durable is done, by whoever still holds the journal.
void Shell::act(Flight flight, std::vector<Record> records) {
    if (std::exchange(pause_armed_, false)) pause();
    bool const waits = paused_ || (!flight.decision.commands.empty() && !may_act());
    if (!lives()) return;
    holding_ = waits;
    if (waits) {
        later(retry_after, [this, flight = std::move(flight), records = std::move(records)] {
            act(flight, records);
            pump();
        });
        return;
    }
    auto const commands = flight.decision.commands.size();
    auto left = armed_ && armed_->point == CrashPoint::between_commands && armed_->decisions <= 0
                    ? parts_.random.below(commands + 1)
                    : commands + 1;
    for (auto& command : flight.decision.commands) {
        if (left-- == 0) break;
        carry_out(std::move(command));
    }
    if (dies(CrashPoint::between_commands)) return;
    on_applied(records);
    if (flight.item.answer) flight.item.answer(flight.decision.reply);
    (void)dies(CrashPoint::after_commands);
}

// As the decider's job does it: an unknown result is looked up in the store.
Result<std::vector<Record>> Shell::append(std::vector<RecordDraft> const& drafts, Now now) {
    auto const before = engine_->state().seq;
    auto records = disk().append(drafts, now, parts_.machine.boot_id());
    if (records || records.error().code != Errc::timeout) return records;
    if (auto reread = disk().reread_tail(); !reread) return records;
    if (disk().last_seq() == before + drafts.size()) {
        return disk().read(before + 1, drafts.size());
    }
    return fail(Errc::unavailable, records.error().what);
}

void Shell::not_written(Flight flight, Error const& error) {
    if (error.code == Errc::conflict) {
        lose(error.what);
        return;
    }
    writable_ = false;
    parts_.witness.story("not written: " + error.what);
    auto& item = flight.item;
    item.told = true;
    bool const unknown = error.code == Errc::timeout;
    bool const person = item.person;
    bool const kept = !person || refuse(item, flight.decision);
    if (unknown) {
        item.doubt = std::make_shared<Decision const>(std::move(flight.decision));
        item.over_unless_written = !kept;
        put_back(std::move(item));
    } else if (person && kept) {
        queue_.push_back(std::move(item));
    } else if (kept) {
        put_back(std::move(item));
    }
}

void Shell::put_back(Item item) {
    if (auto const* edges = std::get_if<EdgesSeen>(&item.event)) {
        for (auto const& edge : edges->edges) {
            if (edge.kind == EdgeKind::progress) progress_queued_.insert(edge.service);
        }
    }
    queue_.push_front(std::move(item));
    retry_at_ = parts_.machine.now().boot + retry_after;
}

// Until the store has said where the last append ended, nothing else is decided.
void Shell::settle_doubt(Item item) {
    if (auto const reread = disk().reread_tail(); !reread) {
        put_back(std::move(item));
        if (reread.error().code == Errc::conflict) lose(reread.error().what);
        return;
    }
    retry_at_.reset();
    auto const decision = std::exchange(item.doubt, nullptr);
    auto const before = engine_->state().seq;
    if (disk().last_seq() == before) {
        if (!item.over_unless_written) queue_.push_front(std::move(item));
        return;
    }
    writable_ = true;
    auto const records = disk().read(before + 1, decision->records.size());
    parts_.witness.written();
    for (auto const& record : *records) engine_->apply(record);
    for (auto const& command : decision->commands) carry_out(command);
    on_applied(*records);
}

bool Shell::refuse(Item& item, Decision const& decision) {
    bool killed = false;
    for (auto const& command : decision.commands) {
        if (!std::holds_alternative<AbortStep>(command)) continue;
        carry_out(command);
        killed = true;
    }
    Reply reply;
    reply.error = Error{Errc::unavailable, "the journal cannot be written", {}};
    if (item.answer) item.answer(reply);
    item.answer = {};
    item.person = false;
    return killed;
}

void Shell::serve_without_journal() {
    auto const now = parts_.machine.now();
    for (auto item = queue_.begin(); item != queue_.end();) {
        if (!item->person) {
            item->told = true;
            ++item;
            continue;
        }
        auto decision = engine_->decide(item->event, now);
        bool kept = false;
        if (decision.records.empty()) {
            if (item->answer) item->answer(decision.reply);
        } else {
            kept = refuse(*item, decision);
        }
        item = kept ? std::next(item) : queue_.erase(item);
    }
}

void Shell::on_applied(std::vector<Record> const& records) {
    bool messages = false;
    bool hurried = false;
    for (auto const& record : records) {
        messages = messages || record.kind == "message.queued";
        hurried = hurried || record.kind == "incident.state" || record.kind == "run.verifying";
        bool const look = record.kind == "incident.judged" || record.kind == "daemon.started";
        if (look) watch_blindness();
        forget_what_ended(record);
        if (on_record) on_record(record);
    }
    if (hurried) {
        for (auto const& service : engine_->policy().services) {
            if (!engine_->state().service(service.name).incident.empty()) hurry(service.name);
        }
    }
    if (messages) later(0s, [this] { deliver_due(); });
}

void Shell::reload() {
    PolicyLoaded loaded;
    loaded.actor = {"admin", "admin"};
    loaded.policy = file;
    submit(std::move(loaded), [this, policy = file](Reply const& reply) {
        if (reply.error || !lives()) return;
        // What is decided before the caller wakes up is decided by the old one, as in the daemon.
        later(0s, [this, policy] {
            engine_->set_policy(policy, parts_.machine.now());
            parts_.witness.policy_in_force(policy);
            follow_probes();
        });
    });
}

void Shell::save(bool with_state) {
    if (!lives() || flight_) return;
    auto const& state = engine_->state();
    if (state.seq == 0) return;
    std::vector<Checkpoint> out;
    JsonObject perceived{
        {"windows", engine_->save_windows(parts_.machine.now())}, {"offsets", source_offsets()}
    };
    out.push_back({std::string(windows_checkpoint), state.seq, state.hash, to_text(perceived)});
    if (with_state) {
        auto text = to_text(engine_->save_state());
        out.push_back({std::string(state_checkpoint), state.seq, state.hash, std::move(text)});
    }
    if (!disk().save_checkpoints(out)) return;
    saved_at_ = parts_.timeline.now();
    if (on_saved) on_saved();
}

}  // namespace rollbackd::simulation

#include "engine/rehearsal.hpp"

#include "core/chain.hpp"

#include <algorithm>

namespace rollbackd {

Rehearsal::Rehearsal(std::shared_ptr<Policy const> policy, Now begin)
    : now(begin), engine(std::move(policy), begin, boot) {}

void Rehearsal::take(Decision decision) {
    reply = decision.reply;
    Tail tail;
    if (!journal.empty()) tail = {journal.back().seq, journal.back().hash};
    for (auto const& draft : decision.records) {
        journal.push_back(chain_record(tail, draft, {now, boot, 0}));
        engine.apply(journal.back());
        applied(journal.back());
    }
    carry_out(std::move(decision.commands));
}

void Rehearsal::send(Event event) { take(engine.decide(event, now)); }

void Rehearsal::append(RecordBody const& body) {
    Decision decision;
    std::visit(
        [&]<class T>(T const& typed) {
            decision.records.push_back({kind_of<T>(), to_json(typed)});
        },
        body
    );
    take(std::move(decision));
}

void Rehearsal::pass(Duration time) {
    auto const end = now.boot + time;
    while (engine.next_deadline() <= end) {
        auto const due = std::max(engine.next_deadline(), now.boot);
        now.wall += std::chrono::duration_cast<WallTime::duration>(due - now.boot);
        now.boot = due;
        auto edges = engine.elapse(now);
        if (!edges.empty()) send(EdgesSeen{std::move(edges)});
        send(Tick{});
    }
    now.wall += std::chrono::duration_cast<WallTime::duration>(end - now.boot);
    now.boot = end;
}

void Rehearsal::observe(std::span<Sample const> samples) {
    auto edges = engine.observe(samples, now);
    if (!edges.empty()) send(EdgesSeen{std::move(edges)});
}

}  // namespace rollbackd

// Probes and messages, as daemon/prober.cpp and daemon/outbox.cpp send them off.
#include "tests/simulation/shell.hpp"

namespace rollbackd::simulation {

using namespace std::chrono_literals;

void Shell::follow_probes() {
    std::map<ProbeKey, Probing> kept;
    std::vector<ProbeKey> fresh;
    auto const now = parts_.machine.now().boot;
    for (auto const& service : engine_->policy().services) {
        for (auto const& signal : service.signals) {
            if (!signal.is_probe) continue;
            ProbeKey const key{service.name, signal.name};
            auto const known = probes_.find(key);
            if (known != probes_.end() && known->second.policy == signal) {
                kept[key] = known->second;
                continue;
            }
            Probing probing;
            probing.policy = signal;
            if (known != probes_.end()) probing.turn = known->second.turn + 1;
            kept[key] = std::move(probing);
            fresh.push_back(key);
        }
    }
    probes_ = std::move(kept);
    for (auto const& key : fresh) {
        auto& probing = probes_.at(key);
        auto const name = key.first + "/" + key.second;
        probing.schedule = Schedule(now, probing.policy.every, name, probes_.size());
        probing.due = probing.schedule->first();
        arm_probe(key);
    }
}

void Shell::arm_probe(ProbeKey const& key) {
    auto& probing = probes_.at(key);
    auto const turn = ++probing.turn;
    auto const delay = std::max(probing.due - parts_.machine.now().boot, Duration::zero());
    later(delay, [this, key, turn] {
        auto const found = probes_.find(key);
        if (found != probes_.end() && found->second.turn == turn) probe(key);
    });
}

void Shell::probe(ProbeKey const& key) {
    auto& probing = probes_.at(key);
    auto const begun = parts_.machine.now().boot;
    probing.last = begun;
    probing.asking = true;
    auto value = parts_.world.sees(key.first, probing.policy);
    auto const takes = World::takes(probing.policy, value);
    auto const turn = probing.turn;
    later(takes, [this, key, turn, begun, value = std::move(value)] {
        auto const found = probes_.find(key);
        if (found == probes_.end() || found->second.turn != turn) return;
        Sample sample;
        sample.service = key.first;
        sample.signal = key.second;
        sample.at = begun;
        sample.value = value;
        ingest(std::move(sample));
        if (!lives() || !probes_.contains(key)) return;
        auto& next = probes_.at(key);
        next.asking = false;
        auto const now = parts_.machine.now();
        auto const pace = engine_->pace(key.first, key.second, now);
        next.due = next.schedule->next(begun, now.boot, pace);
        arm_probe(key);
    });
}

void Shell::hurry(std::string const& service) {
    auto const now = parts_.machine.now();
    for (auto& [key, probing] : probes_) {
        if (key.first != service || probing.asking || probing.last == Instant::min()) continue;
        auto const pace = engine_->pace(service, key.second, now);
        probing.due = std::min(probing.due, probing.last + pace);
        arm_probe(key);
    }
}

void Shell::deliver_due() {
    if (!lives()) return;
    auto const now = parts_.machine.now().boot;
    std::map<std::string, std::shared_ptr<Message const>> heads;
    auto const number = [](std::string const& id) { return std::stoull(id.substr(4)); };
    for (auto const& [id, message] : engine_->state().outbox) {
        auto& head = heads[message->channel];
        if (!head || number(message->id) < number(head->id)) head = message;
    }
    for (auto const& [channel, head] : heads) {
        auto& lane = lanes_[channel];
        if (lane.busy) continue;
        auto const due = std::max(head->not_before, lane.next_try);
        if (due > now) {
            if (std::exchange(lane.looked, due) != due) {
                later(due - now, [this] { deliver_due(); });
            }
            continue;
        }
        lane.busy = true;
        deliver(head);
    }
}

void Shell::deliver(std::shared_ptr<Message const> message) {
    bool const fails = parts_.random.chance(parts_.world.delivery_fails);
    auto const takes =
        fails && parts_.random.chance(0.3) ? Duration(10s) : parts_.random.between(1ms, 900ms);
    bool const known = engine_->policy().channel(message->channel) != nullptr;
    // It arrives whether or not we live to hear of it.
    if (!fails && known) {
        parts_.timeline.after(takes, [this, id = message->id] { parts_.witness.delivered(id); });
    }
    later(takes, [this, message, fails, known] {
        auto& lane = lanes_[message->channel];
        auto const now = parts_.machine.now().boot;
        MessageDelivered event;
        event.id = message->id;
        event.ok = !fails && known;
        event.give_up = !known;
        event.text = event.ok ? "" : "503";
        bool const over = event.ok || event.give_up;
        if (over) {
            lane.backoff = 1s;
            lane.next_try = now;
            lane.failures = 0;
        } else {
            ++lane.failures;
            lane.next_try = now + lane.backoff;
            lane.backoff = std::min<Duration>(lane.backoff * 2, 1min);
        }
        bool const fails_on = lane.failures >= 3;
        bool const known_failing = !over && message->attempts > 0;
        if (known_failing) {
            lane.busy = false;
            deliver_due();
        } else {
            remember(std::move(event), over, message->channel);
        }
        if (fails_on) hand_on(message->channel);
    });
}

// What waits in a channel that fails goes to its fallback.
void Shell::hand_on(std::string const& channel) {
    if (!lives()) return;
    std::vector<std::string> ids;
    for (auto const& [id, message] : engine_->state().outbox) {
        if (message->channel == channel && !message->fallback.empty()) ids.push_back(id);
    }
    for (auto const& id : ids) submit(ChannelFailed{id, "503"}, {});
}

void Shell::remember(MessageDelivered outcome, bool over, std::string channel) {
    submit(outcome, [this, outcome, over, channel](Reply const& reply) {
        if (!lives()) return;
        bool const noted = !reply.error || reply.error->code != Errc::unavailable;
        later(
            noted || !over ? Duration::zero() : retry_after,
            [this, outcome, over, noted, channel] {
                if (!noted && over) {
                    remember(outcome, over, channel);
                    return;
                }
                lanes_[channel].busy = false;
                deliver_due();
            }
        );
    });
}

}  // namespace rollbackd::simulation

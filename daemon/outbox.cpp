#include "daemon/outbox.hpp"

#include "api/render.hpp"

#include <algorithm>
#include <charconv>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

// "MSG-12" is the twelfth: messages leave in the order they were queued.
std::uint64_t number_of(std::string const& id) {
    std::uint64_t number = 0;
    auto const digits = id.find('-') + 1;
    std::from_chars(id.data() + digits, id.data() + id.size(), number);
    return number;
}

}  // namespace

Outbox::Outbox(
    asio::any_io_executor executor, Engine const& engine, Decider& decider, Notifier& notifier,
    Clock const& clock, TaskGroup::Report report, Delivered delivered
)
    : executor_(executor),
      engine_(engine),
      decider_(decider),
      notifier_(notifier),
      clock_(clock),
      delivered_(std::move(delivered)),
      wake_(executor),
      group_(executor, std::move(report)) {}

asio::awaitable<void> Outbox::run() {
    while (!stopping_ && !co_await is_cancelled()) {
        auto const now = clock_.now().boot;
        auto const next = start_due(now);
        auto const wait = std::min<Duration>(next - now, std::chrono::hours(1));
        if (wait > Duration::zero()) co_await wake_.wait_for(wait);
    }
}

Instant Outbox::start_due(Instant now) {
    auto next = now + std::chrono::hours(1);
    std::map<std::string, std::shared_ptr<Message const>> heads;  // by channel
    for (auto const& [id, message] : engine_.state().outbox) {
        auto& head = heads[message->channel];
        if (!head || number_of(message->id) < number_of(head->id)) head = message;
    }
    for (auto const& [channel, head] : heads) {
        auto& lane = lanes_[channel];
        if (lane.busy) continue;
        auto const due = std::max(head->not_before, lane.next_try);
        if (due > now) {
            next = std::min(next, due);
            continue;
        }
        lane.busy = true;
        group_.spawn("message " + head->id, deliver(head));
    }
    return next;
}

Outgoing Outbox::outgoing(Message const& message) const {
    Outgoing out;
    out.id = message.id;
    out.event = message.event;
    out.incident = message.incident;
    out.text = message.text;
    out.command = message.command;
    out.at = message.queued_at.wall;
    auto const* const incident = engine_.state().incident(message.incident);
    if (incident != nullptr) out.payload = api::render_incident(*incident);
    return out;
}

asio::awaitable<void> Outbox::deliver(std::shared_ptr<Message const> message) {
    auto const channel_name = message->channel;
    auto const* const channel = engine_.policy().channel(channel_name);
    MessageDelivered event;
    event.id = message->id;
    DeliveryResult result;
    if (channel == nullptr) {
        result.kind = DeliveryKind::give_up;
        result.text = "the channel is no longer configured";
    } else {
        auto policy = *channel;
        auto letter = outgoing(*message);
        result = co_await notifier_.deliver(std::move(policy), std::move(letter));
    }
    auto const now = clock_.now().boot;
    bool const too_old = now - message->queued_at.boot > give_up_after;
    event.ok = result.kind == DeliveryKind::delivered;
    event.give_up = result.kind == DeliveryKind::give_up || (too_old && !event.ok);
    event.text = result.text;
    auto& lane = lanes_[channel_name];
    if (event.ok || event.give_up) {
        lane.backoff = backoff_first;
        lane.next_try = now;
    } else {
        lane.next_try = now + std::max(lane.backoff, result.retry_after.value_or(lane.backoff));
        lane.backoff = std::min<Duration>(lane.backoff * 2, backoff_max);
    }
    if (delivered_) delivered_(channel_name, result.kind, result.text);
    // Not recorded as sent until it is durable: after a crash it goes out once more.
    bool const known_failing = !event.ok && !event.give_up && message->attempts > 0;
    if (!known_failing) {
        Event outcome = std::move(event);
        (void)co_await decider_.submit(std::move(outcome));
    }
    lane.busy = false;
    wake_.notify();
}

void Outbox::send_unrecorded(std::vector<Message> const& messages, std::string const& why) {
    for (auto message : messages) {
        message.text += "\n(not recorded: " + why + ")";
        group_.spawn("unrecorded message", deliver_once(std::move(message)));
    }
}

asio::awaitable<void> Outbox::deliver_once(Message message) {
    auto const* const channel = engine_.policy().channel(message.channel);
    if (channel == nullptr) co_return;
    auto policy = *channel;
    auto letter = outgoing(message);
    auto const name = message.channel;
    auto const result = co_await notifier_.deliver(std::move(policy), std::move(letter));
    if (delivered_) delivered_(name, result.kind, result.text);
}

asio::awaitable<void> Outbox::stop() {
    stopping_ = true;
    wake_.notify();
    group_.cancel();
    co_await group_.join();
}

}  // namespace rollbackd

#include "daemon/outbox.hpp"

#include "actions/channel_kind.hpp"
#include "actions/notify/digest.hpp"
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
    sort_in();
    for (auto& [channel, lane] : lanes_) {
        start_falling_back(channel, lane);
        if (lane.busy) continue;
        auto const head = head_of(lane);
        if (!head) continue;
        auto const* const policy = engine_.policy().channel(channel);
        auto const limit = policy == nullptr ? 0 : policy->per_minute;
        auto const due = std::max({head->not_before, lane.next_try, lane.pace.due(limit, now)});
        if (due > now) {
            next = std::min(next, due);
            continue;
        }
        lane.busy = true;
        auto messages = next_of(lane, policy, now);
        lane.pace.count(limit, now);
        group_.spawn("message " + head->id, deliver(channel, std::move(messages)));
    }
    return next;
}

// Thousands may wait, and one that leaves must not cost a look at all of them: what is new is found
// by its number. Only after a start is everything looked through.
void Outbox::sort_in() {
    auto const& state = engine_.state();
    auto const sort = [this](std::shared_ptr<Message const> const& message) {
        lanes_[message->channel].waiting.emplace(number_of(message->id), message->id);
    };
    if (sorted_to_ == 0) {
        for (auto const& [id, message] : state.outbox) sort(message);
    } else {
        for (auto number = sorted_to_ + 1; number < state.next_message; ++number) {
            auto const found = state.outbox.find("MSG-" + std::to_string(number));
            if (found != state.outbox.end()) sort(found->second);
        }
    }
    sorted_to_ = state.next_message - 1;
}

// The oldest that still waits; null where none does.
std::shared_ptr<Message const> Outbox::head_of(Lane& lane) const {
    auto const& outbox = engine_.state().outbox;
    while (!lane.waiting.empty()) {
        auto const found = outbox.find(lane.waiting.begin()->second);
        if (found != outbox.end()) return found->second;
        lane.waiting.erase(lane.waiting.begin());
    }
    return nullptr;
}

// The oldest, while no more wait than may go; else the worst of all that wait, with the others
// where people read them.
Outbox::Batch Outbox::next_of(Lane& lane, ChannelPolicy const* channel, Instant now) const {
    auto const limit = channel == nullptr ? 0 : channel->per_minute;
    if (limit == 0) return {head_of(lane)};
    auto messages = due_of(lane, now);
    if (messages.size() <= lane.pace.free(limit, now)) return {messages.front()};
    auto const& state = engine_.state();
    auto const rank = [&](std::shared_ptr<Message const> const& message) {
        auto const* const incident = state.incident(message->incident);
        bool const over = incident == nullptr || incident->state == IncidentState::resolved;
        return std::pair(over, incident == nullptr ? Severity::P3 : incident->severity);
    };
    bool const together = is_read_by_people(*channel);
    std::sort(messages.begin(), messages.end(), [&](auto const& a, auto const& b) {
        auto const ranks = std::pair(rank(a), rank(b));
        if (ranks.first != ranks.second) return ranks.first < ranks.second;
        return together ? number_of(a->id) > number_of(b->id) : number_of(a->id) < number_of(b->id);
    });
    if (!together) messages.resize(1);
    return messages;
}

// The first that wait, as many as one message may tell of.
Outbox::Batch Outbox::due_of(Lane const& lane, Instant now) const {
    Batch out;
    auto const& outbox = engine_.state().outbox;
    for (auto const& [number, id] : lane.waiting) {
        auto const found = outbox.find(id);
        if (found == outbox.end()) continue;
        if (found->second->not_before > now || out.size() == told_at_once_max) break;
        out.push_back(found->second);
    }
    return out;
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

void Outbox::start_falling_back(std::string const& channel, Lane& lane) {
    bool const fails = lane.failures >= failures_borne;
    bool const news = !lane.waiting.empty() && lane.waiting.rbegin()->first > lane.fallen_to;
    if (!fails || !news || lane.falling_back) return;
    lane.falling_back = true;
    group_.spawn("fallback of " + channel, fall_back(channel));
}

// All that waits in a channel that fails: only its head is tried.
asio::awaitable<void> Outbox::fall_back(std::string channel) {
    auto& lane = lanes_[channel];
    while (!stopping_ && lane.failures >= failures_borne) {
        auto const next = lane.waiting.upper_bound(lane.fallen_to);
        if (next == lane.waiting.end()) break;
        auto const number = next->first;
        auto const found = engine_.state().outbox.find(next->second);
        bool const known = found == engine_.state().outbox.end() || found->second->fallback.empty();
        if (!known) {
            Event event = ChannelFailed{next->second, lane.trouble};
            bool const noted = co_await note(std::move(event));
            if (!noted) break;
        }
        lane.fallen_to = number;
    }
    lane.falling_back = false;
}

// False: it could not be written down.
asio::awaitable<bool> Outbox::note(Event event) {
    auto const reply = co_await decider_.submit(std::move(event));
    co_return !reply.error || reply.error->code != Errc::unavailable;
}

// While the journal cannot be written the channel waits here with a message that is over: what is
// delivered must not go out again every time it cannot be noted, and nothing new can be queued
// behind it. One that is to be tried again is.
asio::awaitable<void> Outbox::note_at_last(Event event) {
    while (true) {
        auto copy = event;
        bool const noted = co_await note(std::move(copy));
        if (noted || stopping_) co_return;
        bool const slept = co_await sleep_for(Decider::retry_after);
        if (!slept) co_return;
    }
}

asio::awaitable<void> Outbox::deliver(std::string channel_name, Batch messages) {
    auto const* const channel = engine_.policy().channel(channel_name);
    DeliveryResult result;
    if (channel == nullptr) {
        result.kind = DeliveryKind::give_up;
        result.text = "the channel is no longer configured";
    } else {
        std::vector<Outgoing> letters;
        for (auto const& message : messages) letters.push_back(outgoing(*message));
        auto policy = *channel;
        auto letter = digest(letters);
        result = co_await notifier_.deliver(std::move(policy), std::move(letter));
    }
    auto const now = clock_.now().boot;
    auto& lane = lanes_[channel_name];
    take_result(lane, result, now);
    if (delivered_) delivered_(channel_name, result.kind, result.text);
    for (auto const& message : messages) {
        auto copy = *message;
        auto outcome = result;
        co_await note_delivery(std::move(copy), std::move(outcome), now);
    }
    lane.busy = false;
    wake_.notify();
}

void Outbox::take_result(Lane& lane, DeliveryResult const& result, Instant now) {
    if (result.kind != DeliveryKind::retry) {
        lane.backoff = backoff_first;
        lane.next_try = now;
        lane.failures = 0;
        return;
    }
    ++lane.failures;
    lane.trouble = result.text;
    lane.next_try = now + std::max(lane.backoff, result.retry_after.value_or(lane.backoff));
    lane.backoff = std::min<Duration>(lane.backoff * 2, backoff_max);
}

// Not recorded as sent until it is durable: after a crash it goes out once more.
asio::awaitable<void> Outbox::note_delivery(Message message, DeliveryResult result, Instant now) {
    bool const too_old = now - message.queued_at.boot > give_up_after;
    MessageDelivered event;
    event.id = message.id;
    event.ok = result.kind == DeliveryKind::delivered;
    event.give_up = result.kind == DeliveryKind::give_up || (too_old && !event.ok);
    event.text = result.text;
    if (event.give_up && !message.fallback.empty()) {
        Event failed = ChannelFailed{message.id, result.text};
        co_await note_at_last(std::move(failed));
    }
    bool const over = event.ok || event.give_up;
    bool const first_failure = !over && message.attempts == 0;
    Event outcome = std::move(event);
    if (over) {
        co_await note_at_last(std::move(outcome));
    } else if (first_failure) {
        co_await note(std::move(outcome));
    }
}

void Outbox::send_unrecorded(std::vector<Message> const& messages, std::string const& why) {
    for (auto message : messages) {
        message.text += "\n(not recorded: " + why + ")";
        // A receiver that drops repeated ids must not take it for a recorded one.
        message.id = "unrecorded-" + std::to_string(++unrecorded_) + "-" + message.id;
        group_.spawn("unrecorded message", deliver_once(std::move(message)));
    }
}

asio::awaitable<void> Outbox::deliver_once(Message message) {
    auto const name = message.channel;
    Duration backoff = backoff_first;
    unsigned failures = 0;
    while (true) {
        auto const* const channel = engine_.policy().channel(name);
        if (channel == nullptr) co_return;
        auto policy = *channel;
        auto letter = outgoing(message);
        auto const result = co_await notifier_.deliver(std::move(policy), std::move(letter));
        if (delivered_) delivered_(name, result.kind, result.text);
        ++failures;
        bool const fails = result.kind == DeliveryKind::give_up || failures == failures_borne;
        if (fails && !message.fallback.empty()) {
            auto copy = message;
            copy.channel = std::exchange(message.fallback, "");
            copy.fallback.clear();
            group_.spawn("unrecorded message", deliver_once(std::move(copy)));
        }
        // Once the journal can be written again the recorded message says the same.
        if (result.kind != DeliveryKind::retry || stopping_ || decider_.writable()) co_return;
        if (!co_await sleep_for(std::max(backoff, result.retry_after.value_or(backoff)))) co_return;
        backoff = std::min<Duration>(backoff * 2, backoff_max);
    }
}

asio::awaitable<void> Outbox::stop() {
    stopping_ = true;
    wake_.notify();
    group_.cancel();
    co_await group_.join();
}

}  // namespace rollbackd

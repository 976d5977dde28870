// Delivers the messages the journal has queued: at least once, in order per channel, tried again
// until the receiver takes them or a day has passed. While a channel fails, its fallback is told
// what waits in it. A channel that may be told no more for a while gets what waited meanwhile in
// one message, where people read it. While the journal cannot be written, alerts go out from
// memory, marked so.
#pragma once

#include "actions/notify/notifier.hpp"
#include "actions/notify/pace.hpp"
#include "core/io/task_group.hpp"
#include "daemon/decider.hpp"

namespace rollbackd {

class Outbox {
public:
    using Delivered =
        std::function<void(std::string const& channel, DeliveryKind kind, std::string const& text)>;

    Outbox(
        boost::asio::any_io_executor executor, Engine const& engine, Decider& decider,
        Notifier& notifier, Clock const& clock, TaskGroup::Report report, Delivered delivered
    );

    boost::asio::awaitable<void> run();
    /// Something was queued.
    void wake() { wake_.notify(); }
    void send_unrecorded(std::vector<Message> const& messages, std::string const& why);
    boost::asio::awaitable<void> stop();

    static constexpr Duration backoff_first = std::chrono::seconds(1);
    static constexpr Duration backoff_max = std::chrono::minutes(1);
    static constexpr Duration give_up_after = std::chrono::hours(24);
    static constexpr std::size_t told_at_once_max = 200;
    static constexpr unsigned failures_borne = 3;  // of a channel, before its fallback is told

private:
    struct Lane {  // one channel: its messages leave one after another
        std::map<std::uint64_t, std::string> waiting;  // by number: some are merged or over by now
        bool busy = false;
        Instant next_try{};
        Duration backoff = backoff_first;
        unsigned failures = 0;  // since it last took something
        std::string trouble;
        bool falling_back = false;
        std::uint64_t fallen_to = 0;  // up to this number its fallback knows
        Pace pace;
    };
    using Batch =
        std::vector<std::shared_ptr<Message const>>;  // never empty where one is delivered

    boost::asio::awaitable<void> deliver(std::string channel, Batch messages);
    boost::asio::awaitable<void> deliver_once(Message message);
    boost::asio::awaitable<void> fall_back(std::string channel);
    boost::asio::awaitable<bool> note(Event event);
    boost::asio::awaitable<void> note_at_last(Event event);
    Outgoing outgoing(Message const& message) const;
    Instant start_due(Instant now);
    void start_falling_back(std::string const& channel, Lane& lane);
    void sort_in();
    std::shared_ptr<Message const> head_of(Lane& lane) const;
    Batch next_of(Lane& lane, ChannelPolicy const* channel, Instant now) const;
    Batch due_of(Lane const& lane, Instant now) const;
    static void take_result(Lane& lane, DeliveryResult const& result, Instant now);
    boost::asio::awaitable<void> note_delivery(Message message, DeliveryResult result, Instant now);

    boost::asio::any_io_executor executor_;
    Engine const& engine_;
    Decider& decider_;
    Notifier& notifier_;
    Clock const& clock_;
    Delivered delivered_;
    std::map<std::string, Lane> lanes_;
    std::uint64_t sorted_to_ = 0;  // messages up to this number lie in their lanes
    WakeUp wake_;
    TaskGroup group_;
    std::uint64_t unrecorded_ = 0;
    bool stopping_ = false;
};

}  // namespace rollbackd

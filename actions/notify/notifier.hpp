// Carries one message to one channel, once. The outbox decides when to try again.
#pragma once

#include "actions/channel.hpp"
#include "core/io/blocking.hpp"

#include <boost/asio/awaitable.hpp>

namespace rollbackd {

class HttpClient;
class Secrets;

enum class DeliveryKind {
    delivered,
    retry,    // might work later: no connection, timeout, 429, 5xx
    give_up,  // cannot work: any other answer, a channel that is set up wrongly
};

struct DeliveryResult {
    DeliveryKind kind = DeliveryKind::retry;
    std::string text;                     // why, for people; URLs and secrets left out
    std::optional<Duration> retry_after;  // what the receiver asked for, at most an hour
};

/// What notifiers send with.
struct Carriers {
    HttpClient& http;
    Secrets& secrets;
    BlockingPool& pool;  // for what can only block: mails
};

/// One for the daemon; `http` and `secrets` outlive it.
class Notifier {
public:
    Notifier(HttpClient& http, Secrets& secrets) : carriers_{http, secrets, pool_} {}

    /// Bounded by the channel's `timeout` (10 s). Receivers tell repeats by `message.id`.
    boost::asio::awaitable<DeliveryResult> deliver(ChannelPolicy channel, Outgoing message);

private:
    BlockingPool pool_{2};
    Carriers carriers_;
};

}  // namespace rollbackd

// A message as one POST of JSON, and what its answer means: what every channel over HTTP shares.
#pragma once

#include "actions/notify/notifier.hpp"
#include "core/descriptor.hpp"
#include "core/io/http_client.hpp"

namespace rollbackd {

/// `ca` and `timeout`.
std::vector<Field> post_fields();
/// With the channel's `ca` and `timeout`; `Idempotency-Key` is the message's id.
HttpRequest json_request(
    ChannelPolicy const& channel, Outgoing const& message, std::string url, Json const& body
);
/// 2xx: delivered. No connection, timeout, 408, 429, 5xx: retry, with Retry-After in seconds.
/// Anything else: give_up. Never names the URL: of chat systems it is the secret.
DeliveryResult judge_answer(NetResult<HttpResponse> const& answer);

}  // namespace rollbackd

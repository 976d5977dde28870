// pagerduty: Events API v2, an alert of theirs for each incident of ours.
#include "actions/notify/descriptor.hpp"
#include "actions/notify/payload.hpp"
#include "actions/notify/post.hpp"
#include "core/io/secrets.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

constexpr char const* events_url = "https://events.pagerduty.com/v2/enqueue";

TypeInfo pagerduty_info() {
    TypeInfo info;
    info.name = "pagerduty";
    info.doc =
        "Triggers, acknowledges and resolves an alert for each incident (Events API v2). P0 is "
        "critical, P1 error, P2 warning, P3 info.";
    info.fields = {
        {.name = "routing_key",
         .type = FieldType::text,
         .doc = "The integration's key.",
         .secret = true},
        {.name = "routing_key_file",
         .type = FieldType::path,
         .doc = "A file that holds the integration's key."},
        {.name = "url",
         .type = FieldType::url,
         .doc = "Where events are posted.",
         .otherwise = events_url},
    };
    for (auto& field : post_fields()) info.fields.push_back(std::move(field));
    info.one_of = {{"routing_key", "routing_key_file"}};
    return info;
}

asio::awaitable<DeliveryResult> deliver(
    Carriers& carriers, ChannelPolicy channel, Outgoing message
) {
    auto key = carriers.secrets.text(channel.params, "routing_key");
    if (!key) co_return delivery(DeliveryKind::retry, to_string(key.error()));
    auto event = pagerduty_event(message, *key);
    auto url = text_of(Json(channel.params), "url");
    if (url.empty()) url = events_url;
    auto request = json_request(channel, message, std::move(url), event);
    co_return judge_answer(co_await carriers.http.send(std::move(request)));
}

}  // namespace

NotifierType pagerduty_notifier() { return {.info = pagerduty_info(), .deliver = deliver}; }

}  // namespace rollbackd

// alertmanager: each incident as an alert that fires until it is resolved.
#include "actions/notify/descriptor.hpp"
#include "actions/notify/payload.hpp"
#include "actions/notify/post.hpp"
#include "core/io/secrets.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

TypeInfo alertmanager_info() {
    TypeInfo info;
    info.name = "alertmanager";
    info.doc =
        "Posts each incident as an alert to Alertmanager (API v2) and ends it when the incident is "
        "resolved. Its labels: alertname RollbackdIncident, service, incident, severity.";
    info.fields = {
        {.name = "url",
         .type = FieldType::url,
         .doc = "Alertmanager's address, without /api/v2/alerts.",
         .required = true,
         .secret = true},
        {.name = "labels", .type = FieldType::text_map, .doc = "Further labels, for its routes."},
    };
    for (auto& field : post_fields()) info.fields.push_back(std::move(field));
    return info;
}

asio::awaitable<DeliveryResult> deliver(
    Carriers& carriers, ChannelPolicy channel, Outgoing message
) {
    auto url = carriers.secrets.text(channel.params, "url");
    if (!url) co_return delivery(DeliveryKind::retry, to_string(url.error()));
    carriers.secrets.remember_url(*url);
    while (url->ends_with('/')) url->pop_back();
    auto const* const labels = channel.params.if_contains("labels");
    bool const some = labels != nullptr && labels->is_object();
    auto alerts = alertmanager_alerts(message, some ? labels->get_object() : JsonObject{});
    auto request = json_request(channel, message, *url + "/api/v2/alerts", alerts);
    co_return judge_answer(co_await carriers.http.send(std::move(request)));
}

}  // namespace

NotifierType alertmanager_notifier() { return {.info = alertmanager_info(), .deliver = deliver}; }

}  // namespace rollbackd

// webhook: a message posted as JSON.
#include "actions/notify/descriptor.hpp"
#include "actions/notify/payload.hpp"
#include "actions/notify/post.hpp"
#include "core/io/http_client.hpp"
#include "core/io/secrets.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

TypeInfo webhook_info() {
    TypeInfo info;
    info.name = "webhook";
    info.doc =
        "Posts each message as JSON. Any 2xx is delivered; 429, 5xx and timeouts are retried.";
    info.fields = {
        {.name = "url", .type = FieldType::url, .doc = "Where to post.", .secret = true},
        {.name = "url_file",
         .type = FieldType::path,
         .doc = "A file that holds the URL, for receivers whose URL is the secret."},
        {.name = "format",
         .type = FieldType::choice,
         .doc = "generic: {event, incident, text, command, at}; slack, discord: their message "
                "formats; teams: an Adaptive Card, for a webhook of Workflows.",
         .otherwise = "generic",
         .choices = {"generic", "slack", "discord", "teams"}},
        {.name = "headers", .type = FieldType::text_map, .doc = "Sent with each message."},
        {.name = "secret_file",
         .type = FieldType::path,
         .doc = "A file with a key; X-Rollbackd-Signature then carries sha256=HMAC of the body."},
    };
    for (auto& field : post_fields()) info.fields.push_back(std::move(field));
    info.one_of = {{"url", "url_file"}};
    return info;
}

std::string hmac_hex(std::string_view key, std::string_view body) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned length = 0;
    auto const* const bytes = reinterpret_cast<unsigned char const*>(body.data());
    HMAC(
        EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes, body.size(), digest.data(),
        &length
    );
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (unsigned i = 0; i < length; ++i) {
        out += digits[digest[i] >> 4U];
        out += digits[digest[i] & 15U];
    }
    return out;
}

Json in_format(std::string_view format, Outgoing const& message) {
    if (format == "slack") return slack_payload(message);
    if (format == "discord") return discord_payload(message);
    if (format == "teams") return teams_payload(message);
    return generic_payload(message);
}

/// The request, or why there cannot be one.
Result<HttpRequest> request_of(
    Secrets& secrets, ChannelPolicy const& channel, Outgoing const& message
) {
    auto url = secrets.text(channel.params, "url");
    if (!url) return tl::unexpected<Error>(url.error());
    secrets.remember_url(*url);
    auto const params = Json(channel.params);
    auto request = json_request(
        channel, message, std::move(*url), in_format(text_of(params, "format"), message)
    );
    if (auto const* const headers = find(params, "headers"); headers && headers->is_object()) {
        for (auto const& [name, value] : headers->get_object()) {
            auto filled =
                secrets.expand(value.is_string() ? std::string_view(value.get_string()) : "");
            if (!filled) return tl::unexpected<Error>(filled.error());
            request.headers.emplace_back(name, std::move(*filled));
        }
    }
    if (auto const file = text_of(params, "secret_file"); !file.empty()) {
        auto const key = secrets.from_file(file);
        if (!key) return tl::unexpected<Error>(key.error());
        request.headers.emplace_back(
            "X-Rollbackd-Signature", "sha256=" + hmac_hex(*key, request.body)
        );
    }
    return request;
}

asio::awaitable<DeliveryResult> deliver(
    Carriers& carriers, ChannelPolicy channel, Outgoing message
) {
    auto request = request_of(carriers.secrets, channel, message);
    // A file that is missing now may be there at the next try; the outbox bounds how often.
    if (!request) co_return delivery(DeliveryKind::retry, to_string(request.error()));
    co_return judge_answer(co_await carriers.http.send(std::move(*request)));
}

}  // namespace

NotifierType webhook_notifier() { return {.info = webhook_info(), .deliver = deliver}; }

}  // namespace rollbackd

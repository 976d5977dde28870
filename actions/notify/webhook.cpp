// webhook: a message posted as JSON.
#include "actions/notify/descriptor.hpp"
#include "actions/notify/payload.hpp"
#include "core/io/http_client.hpp"
#include "core/io/secrets.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

constexpr Duration retry_after_max = std::chrono::hours(1);
constexpr std::size_t answer_bytes_max = 4 * 1024;

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
         .doc = "generic: {event, incident, text, command, at}; slack: its message format.",
         .otherwise = "generic",
         .choices = {"generic", "slack"},
         .later_choices = {"discord", "teams"}},
        {.name = "headers", .type = FieldType::text_map, .doc = "Sent with each message."},
        {.name = "secret_file",
         .type = FieldType::path,
         .doc = "A file with a key; X-Rollbackd-Signature then carries sha256=HMAC of the body."},
        {.name = "ca",
         .type = FieldType::path,
         .doc = "Trust this PEM file instead of the system's."},
        {.name = "timeout",
         .type = FieldType::duration,
         .doc = "How long one attempt may take.",
         .otherwise = 10'000'000'000,
         .min = 1e8,
         .max = 6e10},
    };
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

/// Only seconds: a date would need a clock both sides agree on.
std::optional<Duration> retry_after(HttpResponse const& answer) {
    auto const text = answer.header("Retry-After");
    std::int64_t seconds = 0;
    auto const read = std::from_chars(text.data(), text.data() + text.size(), seconds);
    bool const whole = read.ec == std::errc() && read.ptr == text.data() + text.size();
    if (text.empty() || !whole || seconds < 0) return std::nullopt;
    auto const bounded = std::min<std::int64_t>(seconds, retry_after_max / std::chrono::seconds(1));
    return std::chrono::seconds(bounded);
}

/// Never names the URL: of chat systems it is the secret.
DeliveryResult judge(NetResult<HttpResponse> const& answer) {
    if (!answer) {
        bool const hopeless = answer.error().fault == NetFault::invalid;
        auto const kind = hopeless ? DeliveryKind::give_up : DeliveryKind::retry;
        return delivery(kind, answer.error().reason());
    }
    auto const status = answer->status;
    auto const shown = "status " + std::to_string(status);
    if (status / 100 == 2) return delivery(DeliveryKind::delivered, shown);
    bool const later = status == 429 || status == 408 || status / 100 == 5;
    auto result = delivery(later ? DeliveryKind::retry : DeliveryKind::give_up, shown);
    if (later) result.retry_after = retry_after(*answer);
    if (!answer->body.empty()) result.text += ": " + answer->body;
    return result;
}

/// The request, or why there cannot be one.
Result<HttpRequest> request_of(
    Secrets& secrets, ChannelPolicy const& channel, Outgoing const& message
) {
    HttpRequest request;
    auto url = secrets.text(channel.params, "url");
    if (!url) return tl::unexpected<Error>(url.error());
    secrets.remember_url(*url);
    auto const params = Json(channel.params);
    bool const is_slack = text_of(params, "format") == "slack";
    request.url = std::move(*url);
    request.method = "POST";
    request.body = to_text(is_slack ? slack_payload(message) : generic_payload(message));
    request.timeout = timeout_of(channel);
    request.tls.ca_file = text_of(params, "ca");
    request.body_max = answer_bytes_max;
    request.cut_body = true;
    request.headers.emplace_back("Content-Type", "application/json");
    request.headers.emplace_back("User-Agent", "rollbackd/" ROLLBACKD_VERSION);
    // The same for every attempt, so that a receiver that answered too late can tell.
    request.headers.emplace_back("Idempotency-Key", message.id);
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
    HttpClient& http, Secrets& secrets, ChannelPolicy channel, Outgoing message
) {
    auto request = request_of(secrets, channel, message);
    // A file that is missing now may be there at the next try; the outbox bounds how often.
    if (!request) co_return delivery(DeliveryKind::retry, to_string(request.error()));
    auto const answer = co_await http.send(std::move(*request));
    co_return judge(answer);
}

}  // namespace

NotifierType webhook_notifier() { return {.info = webhook_info(), .deliver = deliver}; }

}  // namespace rollbackd

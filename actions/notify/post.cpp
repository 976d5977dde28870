#include "actions/notify/post.hpp"

#include "actions/notify/descriptor.hpp"

#include <algorithm>
#include <charconv>

namespace rollbackd {

namespace {

constexpr Duration retry_after_max = std::chrono::hours(1);
constexpr std::size_t answer_bytes_max = 4 * 1024;

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

}  // namespace

std::vector<Field> post_fields() {
    return {
        {.name = "ca",
         .type = FieldType::path,
         .doc = "Trust this PEM file instead of the system's."},
        timeout_field(),
    };
}

HttpRequest json_request(
    ChannelPolicy const& channel, Outgoing const& message, std::string url, Json const& body
) {
    HttpRequest request;
    request.url = std::move(url);
    request.method = "POST";
    request.body = to_text(body);
    request.timeout = timeout_of(channel);
    request.tls.ca_file = text_of(Json(channel.params), "ca");
    request.body_max = answer_bytes_max;
    request.cut_body = true;
    request.headers.emplace_back("Content-Type", "application/json");
    request.headers.emplace_back("User-Agent", "rollbackd/" ROLLBACKD_VERSION);
    // The same for every attempt, so that a receiver that answered too late can tell.
    request.headers.emplace_back("Idempotency-Key", message.id);
    return request;
}

DeliveryResult judge_answer(NetResult<HttpResponse> const& answer) {
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

}  // namespace rollbackd

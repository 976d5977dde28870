#include "actions/notify/notifier.hpp"

#include "actions/notify/descriptor.hpp"
#include "core/io/secrets.hpp"
#include "core/names.hpp"

namespace rollbackd {

namespace {

constexpr Duration timeout_default = std::chrono::seconds(10);
constexpr std::size_t text_bytes_max = 512;

}  // namespace

Field timeout_field() {
    return {
        .name = "timeout",
        .type = FieldType::duration,
        .doc = "How long one attempt may take.",
        .otherwise = timeout_default.count(),
        .min = 1e8,
        .max = 6e10,
    };
}

Duration timeout_of(ChannelPolicy const& channel) {
    auto const* const timeout = channel.params.if_contains("timeout");
    if (timeout == nullptr || !timeout->is_number()) return timeout_default;
    return Duration(timeout->to_number<std::int64_t>());
}

DeliveryResult delivery(DeliveryKind kind, std::string text) {
    DeliveryResult result;
    result.kind = kind;
    result.text = std::move(text);
    return result;
}

boost::asio::awaitable<DeliveryResult> Notifier::deliver(ChannelPolicy channel, Outgoing message) {
    auto const* const type = find_notifier_type(channel.type);
    if (type == nullptr) {
        co_return delivery(DeliveryKind::give_up, channel.type + ": no such type of channel");
    }
    auto const name = channel.name;
    auto result = co_await type->deliver(carriers_, std::move(channel), std::move(message));
    result.text = name + ": " + printable(carriers_.secrets.redact(result.text), text_bytes_max);
    co_return result;
}

}  // namespace rollbackd

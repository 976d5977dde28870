// What makes a notifier type: how configuration sees it, and how it delivers. Each type is one file
// with one function that returns its descriptor, and one line in registry.cpp.
#pragma once

#include "actions/notify/notifier.hpp"
#include "core/descriptor.hpp"

namespace rollbackd {

struct NotifierType {
    using Deliver = boost::asio::awaitable<DeliveryResult> (*)(
        Carriers& carriers, ChannelPolicy channel, Outgoing message
    );

    TypeInfo info;
    Deliver deliver = nullptr;
};

NotifierType webhook_notifier();
NotifierType exec_notifier();
NotifierType pagerduty_notifier();
NotifierType alertmanager_notifier();
NotifierType smtp_notifier();
NotifierType status_file_notifier();

/// nullptr: no such type.
NotifierType const* find_notifier_type(std::string_view name);

/// What configuration calls the limit of one attempt.
Field timeout_field();
/// The channel's `timeout`, 10 s where it has none.
Duration timeout_of(ChannelPolicy const& channel);
DeliveryResult delivery(DeliveryKind kind, std::string text);

}  // namespace rollbackd

// exec: a message handed to a program of the user's own.
#include "actions/notify/descriptor.hpp"
#include "actions/notify/payload.hpp"
#include "core/io/process.hpp"
#include "core/io/secrets.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

TypeInfo exec_notifier_info() {
    TypeInfo info;
    info.name = "exec";
    info.doc =
        "Runs a program with the message as JSON on its standard input; exit 0 is delivered.";
    info.fields = {
        {.name = "argv",
         .type = FieldType::argv,
         .doc = "The program and its arguments.",
         .required = true},
        timeout_field(),
    };
    info.runs_process = true;
    return info;
}

Result<ProcessSpec> process_of(
    Secrets& secrets, ChannelPolicy const& channel, Outgoing const& message
) {
    ProcessSpec spec;
    auto const* const argv = channel.params.if_contains("argv");
    if (argv != nullptr && argv->is_array()) {
        for (auto const& item : argv->get_array()) {
            auto filled =
                secrets.expand(item.is_string() ? std::string_view(item.get_string()) : "");
            if (!filled) return tl::unexpected<Error>(filled.error());
            spec.argv.push_back(std::move(*filled));
        }
    }
    spec.input = to_text(generic_payload(message)) + "\n";
    spec.timeout = timeout_of(channel);
    spec.merge_errors = true;
    return spec;
}

asio::awaitable<DeliveryResult> deliver(
    Carriers& carriers, ChannelPolicy channel, Outgoing message
) {
    auto spec = process_of(carriers.secrets, channel, message);
    if (!spec) co_return delivery(DeliveryKind::retry, to_string(spec.error()));
    auto const ended = co_await run_process(std::move(*spec));
    if (!ended) {
        bool const hopeless = ended.error().code == Errc::not_found;
        auto const kind = hopeless ? DeliveryKind::give_up : DeliveryKind::retry;
        co_return delivery(kind, to_string(ended.error()));
    }
    auto const text = ended->describe() + ": " + ended->output;
    // Its reasons are its own; the outbox bounds how often it is asked again.
    co_return delivery(ended->ok() ? DeliveryKind::delivered : DeliveryKind::retry, text);
}

}  // namespace

NotifierType exec_notifier() { return {.info = exec_notifier_info(), .deliver = deliver}; }

}  // namespace rollbackd

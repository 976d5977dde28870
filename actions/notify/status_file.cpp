// status_file: what is broken, as files for a web server to serve.
#include "actions/notify/descriptor.hpp"
#include "actions/notify/status_page.hpp"
#include "core/io/file.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

constexpr Duration next_update_standard = std::chrono::minutes(30);
constexpr std::size_t page_bytes_max = 1024 * 1024;

TypeInfo status_file_info() {
    TypeInfo info;
    info.name = "status_file";
    info.doc =
        "Writes a public status page for a web server to serve: what is affected, since when, how "
        "it stands, and when more is said. States alone: no text of a log or a person. Files are "
        "replaced whole; a file belongs to one channel.";
    info.fields = {
        {.name = "json",
         .type = FieldType::path,
         .doc = "The page for programs, which also remembers what is still broken; its folder must "
                "exist.",
         .required = true},
        {.name = "html", .type = FieldType::path, .doc = "The same for people, in one file."},
        {.name = "title",
         .type = FieldType::text,
         .doc = "What it is the status of.",
         .otherwise = "Status"},
        {.name = "names",
         .type = FieldType::text_map,
         .doc = "What people call a service; default: its name."},
        {.name = "next_update",
         .type = FieldType::duration,
         .doc = "By when more is said of what is still broken.",
         .otherwise = next_update_standard.count(),
         .min = double(Duration(std::chrono::minutes(1)).count()),
         .max = double(Duration(std::chrono::hours(24)).count())},
        timeout_field(),
    };
    return info;
}

struct Writing {
    std::string json, html, title;
    StatusEntry entry;
};

std::optional<Writing> writing_of(ChannelPolicy const& channel, Outgoing const& message) {
    Json const params(channel.params);
    auto const service = text_of(message.payload, "service");
    auto affected = service;
    if (auto const* const names = find(params, "names"))
        affected = text_of(*names, service, service);
    Duration next_update = next_update_standard;
    auto const* const given = channel.params.if_contains("next_update");
    if (given != nullptr && given->is_int64()) next_update = Duration(given->get_int64());
    auto entry = status_entry(message.payload, affected, message.at, next_update);
    if (!entry || !message.event.starts_with("incident.")) return std::nullopt;
    Writing out;
    out.json = text_of(params, "json");
    out.html = text_of(params, "html");
    out.title = text_of(params, "title", "Status");
    out.entry = std::move(*entry);
    return out;
}

Result<void> write_page(Writing const& writing) {
    StatusPage page;
    auto const old = read_file(writing.json, page_bytes_max);
    if (old) page = read_status_page(*old);
    if (!old && old.error().code == Errc::io) return tl::unexpected<Error>(old.error());
    page.title = writing.title;
    page = with_entry(std::move(page), writing.entry);
    auto const written = write_file_atomically(writing.json, to_pretty_text(to_json(page)) + "\n");
    if (!written || writing.html.empty()) return written;
    return write_file_atomically(writing.html, status_html(page));
}

asio::awaitable<DeliveryResult> deliver(
    Carriers& carriers, ChannelPolicy channel, Outgoing message
) {
    auto writing = writing_of(channel, message);
    // Duties and reminders are for people inside.
    if (!writing) co_return delivery(DeliveryKind::delivered, "nothing for the public");
    auto job = [moved = std::move(*writing)] { return write_page(moved); };
    auto const written = co_await run_blocking(carriers.pool, std::move(job), timeout_of(channel));
    if (!written) co_return delivery(DeliveryKind::retry, to_string(written.error()));
    co_return delivery(DeliveryKind::delivered, "written");
}

}  // namespace

NotifierType status_file_notifier() { return {.info = status_file_info(), .deliver = deliver}; }

}  // namespace rollbackd

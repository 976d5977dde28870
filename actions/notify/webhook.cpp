// webhook: a message posted as JSON.
#include "actions/notify/infos.hpp"

namespace rollbackd {

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
         .choices = {"generic", "slack"}},
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

}  // namespace rollbackd

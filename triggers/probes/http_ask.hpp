// How the probes that speak HTTP make their requests: one set of fields, one check, one maker, so
// that http, http_json, prometheus and scrape know the same. Private to this folder.
#pragma once

#include "core/io/http_client.hpp"
#include "triggers/probes/probe.hpp"

namespace rollbackd {

/// url (required), headers, auth, ca, redirects, socket.
std::vector<Field> http_request_fields(std::string url_doc);
/// What the fields alone do not say; `where` is the field.
std::vector<Error> check_http_request(JsonObject const& params);
/// Secrets are read now; an Error is our own trouble.
Result<HttpRequest> make_http_request(JsonObject const& params, Secrets& secrets, Duration timeout);
/// GET answered with 2xx, for sources that only give numbers: an Error's `what` begins with its
/// slug, is redacted, and makes the signal unknown.
boost::asio::awaitable<Result<HttpResponse>> fetch(ProbeContext context, HttpRequest request);

inline constexpr std::size_t source_body_max = 16 * 1024 * 1024;  // of metrics and JSON

}  // namespace rollbackd

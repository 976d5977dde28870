// A request as handlers see it: parsed, bounded, attributed. Knows nothing of sockets.
#pragma once

#include "engine/event.hpp"

namespace rollbackd::api {

/// Who holds a certificate that our CA has signed.
struct ClientCertificate {
    std::string cn;                 // of the subject; empty where it has none, or several
    std::vector<std::string> sans;  // with their kind: "DNS:ci.example.com", "URI:…"
    WallTime until = WallTime::max();
};

/// Where a request came from.
struct Peer {
    bool local_socket = false;  // the Unix socket; uid is the kernel's word
    std::uint32_t uid = 0;
    std::string user;     // its name, or the number
    std::string address;  // of TCP: "127.0.0.1"
    bool loopback = false;
    std::string local_address;  // ours, of TCP: "127.0.0.1"
    std::uint16_t local_port = 0;
    std::optional<ClientCertificate> certificate{};  // shown in the handshake, and verified
};

struct Endpoint;

struct Request {
    std::string id;      // of this call, in its answer and in the log
    std::string method;  // "GET"; of HEAD too (head is set)
    bool head = false;
    std::string target;                               // as sent: path and query
    std::string path;                                 // as sent, without query
    std::vector<std::string> segments;                // percent-decoded
    std::multimap<std::string, std::string> query;    // percent-decoded
    std::multimap<std::string, std::string> headers;  // names in lower case
    std::string body;
    Json json{};  // of the body, once it is known to be as the document says
    std::optional<std::uint64_t> content_length;  // as announced
    bool has_body = false;                        // one was announced, of whatever length
    Peer peer;

    // Filled in by admission:
    Instant begun{};
    Actor actor;
    bool trusted = false;  // false: nobody vouched for it; samples cap the service at advise
    Endpoint const* endpoint = nullptr;
    std::map<std::string, std::string> params;  // of the pattern: "s" → "shop"

    /// The one value of a header, or empty.
    std::string header(std::string_view lower_name) const;
    /// Every value of a header that is a list (RFC 9110, 5.3).
    std::string list(std::string_view lower_name) const;
    bool has_header(std::string_view lower_name) const;
    /// Of the body, in lower case and without parameters: "application/json".
    std::string media_type() const;
    std::string query_value(std::string_view name) const;
    std::string const& param(std::string const& name) const;
};

/// The caller's own id where it is plausible (1 to 128 letters, digits and . _ ~ : + / = @ -),
/// otherwise a new one: what is not plain is replaced, not mended, for it would match nothing.
std::string request_id(std::string_view given);

/// Splits and decodes a request target. Errc::invalid: a broken escape, a NUL, no leading slash.
Result<void> set_target(Request& request, std::string_view target);

}  // namespace rollbackd::api

// Why a peer did not answer as it should, told apart by a slug that never changes: what probes,
// steps and notifiers report, and what decides whether a request may have taken effect.
#pragma once

#include "core/json.hpp"

namespace rollbackd {

enum class NetFault {
    dns,          // the name has no address, or nobody answered about it
    refused,      // nothing listens there
    unreachable,  // no route, network or host down
    timeout,      // `phase` says where it hung
    tls,          // the handshake or the certificate
    closed,       // the peer went away before the whole answer
    garbage,      // not the protocol
    too_large,    // above a named limit
    redirects,    // more than allowed, or to nowhere
    invalid,      // our own request is wrong: a bad URL, an unreadable CA file
    cancelled,    // we were told to stop
};
BOOST_DESCRIBE_ENUM(
    NetFault, dns, refused, unreachable, timeout, tls, closed, garbage, too_large, redirects,
    invalid, cancelled
)

struct NetFailure {
    NetFault fault = NetFault::closed;
    std::string text;  // "no answer to connect within 2s", without the slug
    /// The request was written, at least in part: whether it took effect is unknown (A5.1).
    bool sent = false;

    /// "timeout: no answer to connect within 2s": the form of a sample's reason.
    std::string reason() const { return to_string(fault) + ": " + text; }
    Error error(std::string where) const;

    friend bool operator==(NetFailure const&, NetFailure const&) = default;
};

template <class T>
using NetResult = tl::expected<T, NetFailure>;

inline tl::unexpected<NetFailure> net_fail(NetFault fault, std::string text, bool sent = false) {
    return tl::unexpected<NetFailure>(NetFailure{fault, std::move(text), sent});
}

}  // namespace rollbackd

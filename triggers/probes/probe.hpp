// A probe asks one target and answers with a sample's value. The daemon's scheduler decides when;
// what a type is and which fields it has stands in its descriptor (registry.hpp).
#pragma once

#include "core/descriptor.hpp"
#include "core/io/ssh_client.hpp"
#include "triggers/signal.hpp"

#include <boost/asio/awaitable.hpp>

namespace rollbackd {

class BlockingPool;
class Clock;
class Dialer;
class HttpClient;
class Secrets;

/// What probes share on one loop. Everything outlives the probes.
struct ProbeContext {
    Dialer& dialer;
    HttpClient& http;
    BlockingPool& pool;
    Secrets& secrets;
    Clock const& clock;
    SshHosts const* hosts = nullptr;  // that `from` may name; null: none
};

/// A value to observe, or none: then the window keeps what it had, and `note` says why. A note
/// beside a value is for people (the certificate is for another host).
struct ProbeAnswer {
    std::optional<SampleValue> value;
    std::string note;

    friend bool operator==(ProbeAnswer const&, ProbeAnswer const&) = default;
};

class Probe {
public:
    virtual ~Probe() = default;
    /// Asks once and answers within `timeout` plus what ending takes. One question at a time.
    virtual boost::asio::awaitable<ProbeAnswer> ask(Duration timeout) = 0;
};

}  // namespace rollbackd

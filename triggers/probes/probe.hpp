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
    BlockingPool& pool;     // what release parts ask
    BlockingPool& queries;  // what signals ask: a database that hangs holds up nothing else
    BlockingPool& files;    // what signals look at: a mount that hangs neither
    Secrets& secrets;
    Clock const& clock;
    SshHosts const* hosts = nullptr;  // that `from` may name; null: none
};

/// One of several values in an answer: a row, a series.
struct Measured {
    SampleValue value;
    std::string by = {};
    std::string id = {};
    std::string client = {};          // for affected(): a user, an endpoint
    std::optional<WallTime> at = {};  // when it happened; absent: when it was asked

    friend bool operator==(Measured const&, Measured const&) = default;
};

/// A value to observe, or none: then the window keeps what it had, and `note` says why. A note
/// beside a value is for people (the certificate is for another host).
struct ProbeAnswer {
    std::optional<SampleValue> value = {};
    std::string note = {};
    /// Before `value`, in order of time. Events that have happened long ago, or were counted
    /// already, make nothing fresh: a `value` of no outcomes beside them says that we have asked.
    std::vector<Measured> more = {};

    friend bool operator==(ProbeAnswer const&, ProbeAnswer const&) = default;
};

class Probe {
public:
    virtual ~Probe() = default;
    /// Asks once and answers within `timeout` plus what ending takes. One question at a time.
    virtual boost::asio::awaitable<ProbeAnswer> ask(Duration timeout) = 0;
    /// What the next answer builds upon (a counter's last value); null: nothing. Checkpointed
    /// together with the windows.
    virtual Json save() const { return nullptr; }
    /// Goes on from what save() returned; trusts nothing of it. Before the first question.
    virtual void resume(Json const& saved) { (void)saved; }
};

}  // namespace rollbackd

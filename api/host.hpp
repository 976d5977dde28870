// What the API needs from the daemon, and all of it: the daemon implements Host, handlers call it
// on the loop thread. Handlers read engine state directly; between two suspensions it cannot
// change.
#pragma once

#include "engine/engine.hpp"

#include "triggers/sources/alerts_parse.hpp"

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rollbackd::api {

template <class T>
using Awaitable = boost::asio::awaitable<T>;

/// One thing readiness depends on: "store", "configuration", "role".
struct ReadyCheck {
    std::string name;
    bool ok = false;
    std::string text;  // for people: what is wrong and how to mend it; may be empty when ok
};

/// What /v1/status says about the daemon itself beside the engine's state.
struct DaemonFacts {
    std::string role = "leader";  // leader, or standby of a shared store
    WallTime started_at{};
    std::string config_file;
    WallTime config_loaded_at{};
    std::string config_problem;  // of the last reload that changed nothing; empty: none
    std::string config_note;     // what the last reload could not change; empty: nothing
    JsonObject limits;           // named limits of queues and bodies with their values
};

/// A finished request, for metrics and the access log. `route` is the endpoint's pattern, so its
/// cardinality is bounded; empty where none fitted.
struct RequestSeen {
    std::string_view method;
    std::string_view route;
    unsigned status = 0;
    Duration took{};
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::string_view path;  // as sent
    std::string_view id;    // of the call
    std::string_view by;    // the caller's name; empty: nobody known
    std::string_view from;  // an address, or "unix"
    bool told = false;      // it changes something, and somebody known has asked for it
};

class Host {
public:
    virtual ~Host() = default;

    virtual Engine const& engine() const = 0;
    virtual Now now() const = 0;

    /// The engine's decision about `event`, durable before this returns; Reply::error where it was
    /// refused, with Errc::unavailable where it could not be recorded (nothing happened then).
    virtual Awaitable<Reply> submit(Event event) = 0;
    /// Samples for the engine. Errc::unavailable: the queue is full (429). All are taken or none.
    virtual Result<void> ingest(std::vector<Sample> samples) = 0;
    /// Alertmanager's alerts for every signal that means them; how many no signal means.
    /// Errc::unavailable: not taken, to be sent again (429).
    virtual Result<std::uint64_t> alerts(AlertNotice const& notice, bool trusted) = 0;
    /// The world asked afresh, within 2 s. For approvals and manual runs.
    virtual Awaitable<Answer> ask(AskFresh question) = 0;
    /// What the service's release consists of now, within 2 s. For deployments.
    virtual Awaitable<ReleaseFacts> facts(std::string service) = 0;
    /// Records with seq >= from, oldest first, at most `limit`.
    virtual Awaitable<Result<std::vector<Record>>> read_journal(
        std::uint64_t from, std::size_t limit
    ) = 0;
    /// What each step of the plan would do, as its type describes it: [{"n","type","would"}].
    virtual Json dry_run(Plan const& plan) const = 0;
    /// What a step that runs has written so far: whole lines, the newest, secrets taken out. Empty
    /// where it has written nothing, or writes nothing.
    virtual std::string step_output(std::string const& run, std::uint32_t n) const = 0;

    /// Changing calls answer 503 while this is false.
    virtual bool journal_writable() const = 0;
    /// Why this daemon changes nothing at all: another one holds the lease. Empty: it does not.
    virtual std::string why_standing_by() const { return {}; }
    virtual std::vector<ReadyCheck> readiness() const = 0;
    virtual DaemonFacts facts_of_daemon() const = 0;
    /// Prometheus text format.
    virtual std::string metrics() const = 0;

    /// Loads the configuration again. {"ok":true,"hash","services"} or
    /// {"ok":false,"problems":[{"severity","file","line","column","text"}]}, which changed nothing.
    virtual Awaitable<Json> reload(Actor actor) = 0;
    /// Checks a configuration's text, or without one what a reload would load, beside the loop, for
    /// it may be made to take long; the same shape as reload, and nothing ever changes.
    virtual Awaitable<Json> check_config(std::optional<std::string> yaml) = 0;

    /// Metrics and logs of the HTTP side.
    virtual void seen(RequestSeen const& request) { (void)request; }
    /// Too many wrong tokens from an address: told once as long as it goes on.
    virtual void throttled(std::string_view from) { (void)from; }
    /// An exception that reached the fence of a request; it was answered with 500.
    virtual void surprised(
        std::string_view where, std::string_view what, std::string_view request
    ) {
        (void)where;
        (void)what;
        (void)request;
    }
};

}  // namespace rollbackd::api

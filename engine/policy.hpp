// The policy: the whole configuration as values, parsed and checked once. The engine never sees
// text that could still be wrong, and the shell builds its probes and channels from it.
#pragma once

#include "actions/channel.hpp"
#include "actions/host.hpp"
#include "actions/playbook.hpp"
#include "core/severity.hpp"
#include "triggers/condition.hpp"
#include "triggers/matrix.hpp"
#include "triggers/signal.hpp"

namespace rollbackd {

enum class Autonomy { observe, advise, enforce };
BOOST_DESCRIBE_ENUM(Autonomy, observe, advise, enforce)

struct Limits {
    std::uint32_t runs_per_hour = 3;
    std::uint32_t runs_per_day = 6;
    Duration cooldown = std::chrono::minutes(10);
    Duration settle = std::chrono::minutes(2);
    Duration approval_timeout = std::chrono::minutes(15);

    friend bool operator==(Limits const&, Limits const&) = default;
};
BOOST_DESCRIBE_STRUCT(Limits, (), (runs_per_hour, runs_per_day, cooldown, settle, approval_timeout))

/// resolve_after: a number of good samples, or a duration of being false.
struct ResolveAfter {
    std::uint32_t samples = 3;
    std::optional<Duration> duration;

    friend bool operator==(ResolveAfter const&, ResolveAfter const&) = default;
};
BOOST_DESCRIBE_STRUCT(ResolveAfter, (), (samples, duration))

enum class Blame { release, any };
BOOST_DESCRIBE_ENUM(Blame, release, any)

struct TriggerPolicy {
    std::string name;
    Condition when;
    Duration for_{};  // zero: at once
    ResolveAfter resolve_after;
    JudgeRules rules;
    std::optional<Severity> severity;  // set here, or filled in by the matrix
    std::optional<Response> response;  // likewise
    std::optional<Duration> within;    // of each rung that has none of its own
    Classification classify;
    bool approval = false;
    Autonomy autonomy = Autonomy::enforce;  // the lowest of daemon, service and this is effective
    std::vector<std::string> notify;        // channels; empty: every channel
    bool only_after_deploy = false;         // not judged unless a deployment is in the watch window
    Blame blame = Blame::release;           // any: A6 (a)-(c) are waived
    std::optional<Duration> deadline;       // not resolved by then: escalated

    friend bool operator==(TriggerPolicy const&, TriggerPolicy const&) = default;
};

struct GatePolicy {
    std::vector<std::string> attest;  // statements a person must have made; shown by `gate`

    friend bool operator==(GatePolicy const&, GatePolicy const&) = default;
};

struct ServicePolicy {
    std::string name;
    Duration watch_window = std::chrono::minutes(30);
    Duration bake = std::chrono::minutes(30);
    Duration start_period = std::chrono::seconds(20);
    std::vector<std::string> depends_on;
    ReleasePolicy release;
    std::vector<SignalPolicy> references;  // beside the daemon's
    std::vector<std::string> locks;
    Limits limits;
    Autonomy autonomy = Autonomy::enforce;
    std::vector<std::string> notify;
    std::map<std::string, std::string> vars;
    std::vector<SignalPolicy> signals;
    std::vector<TriggerPolicy> triggers;  // file order decides ties
    std::vector<Playbook> playbooks;
    GatePolicy gate;
    std::vector<Duty> duties;  // of every acting incident of the service

    SignalPolicy const* signal(std::string_view name) const;
    TriggerPolicy const* trigger(std::string_view name) const;
    Playbook const* playbook(std::string_view name) const;
    friend bool operator==(ServicePolicy const&, ServicePolicy const&) = default;
};

struct TokenPolicy {
    std::string name;
    std::string role;    // read ingest operate approve admin
    std::string sha256;  // 64 hexadecimal digits of the token's hash
    std::optional<WallTime> expires;

    friend bool operator==(TokenPolicy const&, TokenPolicy const&) = default;
};

/// Who a client certificate stands for: one of cn and san is given.
struct ClientPolicy {
    std::string name;
    std::string role;  // as of a token
    std::string cn;    // the subject's common name
    std::string san;   // an alternative name with its kind: "DNS:ci.example.com"

    friend bool operator==(ClientPolicy const&, ClientPolicy const&) = default;
};

struct TlsPolicy {
    std::string cert, key, client_ca;
    std::vector<ClientPolicy> clients{};

    friend bool operator==(TlsPolicy const&, TlsPolicy const&) = default;
};

/// Asked at regular intervals so that somebody else notices when nobody asks any more.
struct HeartbeatPolicy {
    std::string url;       // may hold ${NAME}; empty: url_file
    std::string url_file;  // a file that holds the URL, where it is the secret
    Duration every = std::chrono::minutes(1);

    friend bool operator==(HeartbeatPolicy const&, HeartbeatPolicy const&) = default;
};

struct DaemonPolicy {
    std::vector<std::string> listen{"127.0.0.1:8620"};
    std::optional<TlsPolicy> tls;
    std::string store = "sqlite:/var/lib/rollbackd/rollbackd.db";
    std::string store_password_file;
    std::string redis;
    std::string run_dir;  // where supervised steps keep their claims; default beside the store
    Autonomy autonomy = Autonomy::observe;
    std::vector<TokenPolicy> tokens;
    Limits limits;
    std::vector<SignalPolicy> references;  // named ref-1, ref-2, …
    std::optional<HeartbeatPolicy> heartbeat;
    Duration readiness_every = std::chrono::minutes(15);  // how often playbooks are looked at
    /// Nobody has answered an incident for so long: everybody is told again.
    std::map<Severity, Duration> respond_within{
        {Severity::P0, std::chrono::minutes(5)}, {Severity::P1, std::chrono::hours(1)}
    };
    std::string log_level = "info";

    /// Whether somebody can be known over TCP: by a token or a client certificate.
    bool knows_callers() const { return !tokens.empty() || (tls && !tls->clients.empty()); }

    friend bool operator==(DaemonPolicy const&, DaemonPolicy const&) = default;
};

struct Policy {
    DaemonPolicy daemon;
    std::vector<ChannelPolicy> channels;
    std::vector<HostPolicy> hosts;
    std::vector<MatrixRow> matrix;
    std::vector<ServicePolicy> services;  // file order
    std::string text;  // every file's text, secrets never among it; journaled when loaded
    std::string hash;  // sha256 of text

    ServicePolicy const* service(std::string_view name) const;
    ChannelPolicy const* channel(std::string_view name) const;
    HostPolicy const* host(std::string_view name) const;
    friend bool operator==(Policy const&, Policy const&) = default;
};

/// Severity and response with the matrix applied, and the row that gave them (0: the trigger).
struct Resolved {
    Severity severity = Severity::P2;
    Response response;
    Classification classification;
    std::size_t matrix_row = 0;

    friend bool operator==(Resolved const&, Resolved const&) = default;
};
BOOST_DESCRIBE_STRUCT(Resolved, (), (severity, response, classification, matrix_row))

/// Roles named by a matrix row are kept only where the service has a playbook of that name.
Resolved resolve(
    Policy const& policy, ServicePolicy const& service, TriggerPolicy const& trigger,
    Classification const& measured
);
/// Acting: its response is a ladder of at least one playbook.
bool is_acting(Resolved const& resolved);

}  // namespace rollbackd

// A signal as the policy declares it, and what a release is made of: read by the probes and sources
// that bring its samples.
#pragma once

#include "core/sample.hpp"

namespace rollbackd {

/// A probe or source: `params` is validated against its type's fields.
struct SignalPolicy {
    std::string name;
    std::string type;  // http, tls, tcp, access_log, push
    JsonObject params;
    SignalKind kind = SignalKind::state;
    bool is_probe = false;
    Duration every = std::chrono::seconds(10);         // of a probe
    Duration timeout = std::chrono::seconds(5);        // of a probe
    Duration confirm_every = std::chrono::seconds(1);  // pace after a failure and while verifying
    std::optional<Duration> stale_after;               // filled in for probes: 3 × every + timeout
    std::string by;    // key whose value keeps streaks apart; empty: one streak
    std::string from;  // host

    friend bool operator==(SignalPolicy const&, SignalPolicy const&) = default;
};
BOOST_DESCRIBE_STRUCT(
    SignalPolicy, (),
    (name, type, params, kind, is_probe, every, timeout, confirm_every, stale_after, by, from)
)

/// What a release consists of: asked by the shell at each deployment and again before a rollback.
struct ReleasePolicy {
    std::string version_type;  // git, http, file, command; empty: not asked
    JsonObject version;
    std::string schema_type;  // sql, file, command; empty: no schema
    JsonObject schema;
    std::vector<std::string> keep;  // files whose content belongs to the release

    friend bool operator==(ReleasePolicy const&, ReleasePolicy const&) = default;
};
BOOST_DESCRIBE_STRUCT(ReleasePolicy, (), (version_type, version, schema_type, schema, keep))

}  // namespace rollbackd

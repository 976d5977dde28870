// What a release consists of just now: its version, the schema's version and the hashes of files
// kept with it. Asked at each deployment, and again before a rollback to see whether the schema
// moved.
#pragma once

#include "triggers/probes/probe.hpp"

namespace rollbackd {

class Place;

struct ReleaseReading {
    std::string version;  // empty: not asked for, or see problems
    std::optional<std::string> schema;
    std::string schema_error;                 // why it could not be read; empty: it could
    std::map<std::string, std::string> kept;  // path → sha256 of its content
    std::vector<std::string> problems;        // version or kept files that could not be read

    friend bool operator==(ReleaseReading const&, ReleaseReading const&) = default;
};

/// Asks everything at once, all of it within `limit`.
boost::asio::awaitable<ReleaseReading> read_release(
    ReleasePolicy policy, ProbeContext context, Duration limit
);
/// Errc::not_found where the policy names none.
boost::asio::awaitable<Result<std::string>> read_version(
    ReleasePolicy policy, ProbeContext context, Duration limit
);
/// For who asks again and again: `place`, which outlives the wait, lets nothing pile up.
boost::asio::awaitable<Result<std::string>> read_version(
    ReleasePolicy policy, ProbeContext context, Place& place, Duration limit
);
boost::asio::awaitable<Result<std::string>> read_schema(
    ReleasePolicy policy, ProbeContext context, Duration limit
);

/// The types of release.version (git, http, file, command) and release.schema (sql, file, command).
std::vector<TypeInfo> release_version_types();
std::vector<TypeInfo> release_schema_types();

}  // namespace rollbackd

// The body of a push (DESIGN A4) as samples: one JSON object, or one a line (NDJSON). Called by the
// API's ingest route; pure. All or nothing: one wrong line refuses the whole body, with its number.
#pragma once

#include "triggers/signal.hpp"

#include <functional>

namespace rollbackd {

inline constexpr std::size_t push_samples_max = 100'000;   // in one body
inline constexpr std::size_t push_reason_bytes_max = 512;  // longer reasons are cut
inline constexpr std::size_t push_key_bytes_max = 256;     // of id, client and the `by` value

/// What a line is held against before it is read: that it is a PushedSample of the API's document,
/// so that its members have their types and sizes. Error.where is the member.
using PushCheck = std::function<Result<void>(Json const&)>;

/// A sample of an object that is a PushedSample; what is judged here is what this signal takes. Its
/// `trusted` is true: the API knows the caller. Errc::invalid with where = member.
Result<Sample> read_push(
    JsonObject const& object, SignalPolicy const& signal, std::string const& service, Now now
);

/// Samples in order of `at`, then of line. Errc::invalid with where = "line 3: member" for what is
/// wrong; Errc::too_large above a limit.
Result<std::vector<Sample>> read_push_lines(
    std::string_view body, PushCheck const& check, SignalPolicy const& signal,
    std::string const& service, Now now
);

}  // namespace rollbackd

// The body of a push (DESIGN A4) as samples: one JSON object, or one a line (NDJSON). Called by the
// API's ingest route; pure. All or nothing: one wrong line refuses the whole body, with its number.
#pragma once

#include "triggers/signal.hpp"

#include <span>

namespace rollbackd {

inline constexpr std::size_t push_samples_max = 100'000;   // in one body
inline constexpr std::size_t push_text_bytes_max = 4096;   // of a text signal's value
inline constexpr std::size_t push_reason_bytes_max = 512;  // longer reasons are cut
inline constexpr std::size_t push_key_bytes_max = 256;     // of id, client and the `by` value

/// Samples in order of `at`, then of line. Their `trusted` is true: the API knows the caller.
/// Errc::invalid with where = "line 3: member" for what is wrong; Errc::too_large above a limit.
Result<std::vector<Sample>> parse_push(
    std::string_view body, bool ndjson, SignalPolicy const& signal, std::string const& service,
    Now now
);

}  // namespace rollbackd

// An entry of a Redis stream as a sample. Pure: the id's time and the entry's fields go in.
#pragma once

#include "triggers/signal.hpp"

#include <compare>
#include <map>

namespace rollbackd {

/// "1769860800250-3": milliseconds since 1970, and a number.
struct StreamId {
    std::uint64_t milliseconds = 0;
    std::uint64_t number = 0;

    friend auto operator<=>(StreamId const&, StreamId const&) = default;
};
std::optional<StreamId> parse_stream_id(std::string_view text);

using StreamFields = std::map<std::string, std::string, std::less<>>;

/// Fields as of a push: `ok` (true, false, 1, 0) or `success` and `failure`; `reason`, `id`,
/// `client`, `at`, and the one that the signal's `by` names. Without `id` the entry's own id keeps
/// it distinct; without `at` the id's time counts. An Error: no outcome stands there.
Result<Sample> read_stream_entry(
    std::string const& id_text, StreamId const& id, StreamFields const& fields,
    SignalPolicy const& signal, std::string const& service, Now now
);

}  // namespace rollbackd

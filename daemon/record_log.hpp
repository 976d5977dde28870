// What of records and of the API's calls is worth a line in the log, and what ties them together:
// the id of the call stands in both.
#pragma once

#include "api/host.hpp"

namespace rollbackd {

/// The API's call that an event came with; empty: nobody's.
std::string request_of(Event const& event);
/// A record worth a line; `request` is the call it came of.
void log_record(Record const& record, State const& state, std::string const& request);
/// A call that changes something by somebody known is worth a line, others are where they are
/// looked for: who may not, or only reads, must not be able to fill the log.
void log_request(api::RequestSeen const& request);

}  // namespace rollbackd

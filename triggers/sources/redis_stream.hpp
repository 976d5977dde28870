// The source of a redis signal with `stream`: reads as a consumer of a group, and acknowledges an
// entry only when what it said is in a durable checkpoint. So nothing is lost over a restart; what
// was observed before it is known by its place in the stream, and counted once.
#pragma once

#include "triggers/sources/source.hpp"

namespace rollbackd {

Result<std::unique_ptr<Source>> make_redis_stream(
    std::string const& service, SignalPolicy const& signal, SourceContext const& context,
    Json const& saved
);

}  // namespace rollbackd

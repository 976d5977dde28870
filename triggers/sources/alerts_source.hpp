// The source of an `alerts` signal: its samples come with notifications (Source::alerts()); by
// itself it only sees alerts reach their end.
#pragma once

#include "triggers/sources/source.hpp"

namespace rollbackd {

Result<std::unique_ptr<Source>> make_alerts_source(
    std::string const& service, SignalPolicy const& signal, SourceContext const& context,
    Json const& saved
);

}  // namespace rollbackd

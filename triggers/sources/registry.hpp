// Every type of signal whose samples arrive by themselves: access_log, log, push, heartbeat.
// Signals that are asked are the probes' business: triggers/probes/registry.hpp.
#pragma once

#include "core/descriptor.hpp"
#include "triggers/sources/source.hpp"

namespace rollbackd {

/// Their fields, for configuration, schema and reference documentation.
std::vector<TypeInfo> source_catalogue();

/// What the fields alone do not say: a wrong regular expression, an unknown status class. Empty:
/// fine. Types unknown here are not looked at.
std::vector<Error> check_source(SignalPolicy const& signal);

/// The source of an access_log or log signal; nullptr for types whose samples come over the API
/// (push, heartbeat). `saved`: what save() returned when the checkpoint was taken; null at the very
/// first start.
Result<std::unique_ptr<Source>> make_source(
    std::string const& service, SignalPolicy const& signal, SourceContext const& context,
    Json const& saved
);

}  // namespace rollbackd

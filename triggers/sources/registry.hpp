// Every type of signal whose samples arrive by themselves: access_log, log, push,
// heartbeat, alerts.
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

/// What a signal of a type without a kind of its own is; nothing where its params say `kind`.
std::optional<SignalNature> source_nature(std::string const& type, JsonObject const& params);

/// The source of an access_log, log, alerts or redis signal; nullptr for types whose samples come
/// over the API (push, heartbeat). `saved`: what save() returned when the checkpoint was taken;
/// null at the very first start.
Result<std::unique_ptr<Source>> make_source(
    std::string const& service, SignalPolicy const& signal, SourceContext const& context,
    Json const& saved
);

}  // namespace rollbackd

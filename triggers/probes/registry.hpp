// Every probe type there is. Signals that bring their samples by themselves (access_log, push) are
// the sources' business: triggers/sources/registry.hpp.
#pragma once

#include "triggers/probes/probe.hpp"

#include <memory>

namespace rollbackd {

/// Their fields, for configuration, schema and reference documentation.
std::vector<TypeInfo> probe_catalogue();
/// Names of DESIGN A2 that later versions bring.
std::vector<std::string> later_signal_types();

/// What the fields alone do not say: a pointer that is none, an address without a port. Of a
/// reference (daemon.references) too. Empty: fine. Types unknown here are not looked at.
std::vector<Error> check_probe(SignalPolicy const& signal);

/// What a signal of a type without a kind of its own is; nothing where there is no such probe type.
std::optional<SignalNature> probe_nature(std::string const& type, JsonObject const& params);

/// `context` outlives the probe.
Result<std::unique_ptr<Probe>> make_probe(SignalPolicy const& signal, ProbeContext const& context);

}  // namespace rollbackd

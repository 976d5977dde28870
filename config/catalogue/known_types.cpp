#include "config/catalogue.hpp"

#include "actions/notify/registry.hpp"
#include "actions/steps/registry.hpp"
#include "triggers/probes/registry.hpp"
#include "triggers/probes/release.hpp"
#include "triggers/sources/registry.hpp"

namespace rollbackd {

namespace {

std::vector<Error> check_signal(std::string const& type, JsonObject const& params) {
    SignalPolicy signal;
    signal.type = type;
    signal.params = params;
    signal.by = text_of(Json(params), "by");
    auto problems = check_probe(signal);
    for (auto& problem : check_source(signal)) problems.push_back(std::move(problem));
    return problems;
}

std::optional<SignalNature> signal_nature(std::string const& type, JsonObject const& params) {
    auto nature = probe_nature(type, params);
    return nature ? nature : source_nature(type, params);
}

Catalogue gather() {
    Catalogue types;
    types.signals = probe_catalogue();
    for (auto& source : source_catalogue()) types.signals.push_back(std::move(source));
    types.steps = step_catalogue();
    types.notifiers = notifier_catalogue();
    types.release_versions = release_version_types();
    types.release_schemas = release_schema_types();
    types.later_signals = later_signal_types();
    types.later_steps = later_step_types();
    types.later_notifiers = later_notifier_types();
    types.check_signal = check_signal;
    types.signal_nature = signal_nature;
    return types;
}

}  // namespace

Catalogue const& known_types() {
    static Catalogue const types = gather();
    return types;
}

}  // namespace rollbackd

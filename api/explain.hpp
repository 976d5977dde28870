// The chain of reasons behind an incident or a trigger's verdict: samples and arithmetic, matrix
// row, every guard with its letter, and the nearest thing that would have changed the outcome.
#pragma once

#include "api/request.hpp"
#include "api/response.hpp"
#include "engine/engine.hpp"

namespace rollbackd::api {

Json explain_incident(Incident const& incident, Now const& now);
Json explain_trigger(
    Engine const& engine, ServicePolicy const& service, TriggerPolicy const& trigger, Now const& now
);
/// The same for a person at a terminal; nothing in it acts on the terminal.
std::string explanation_text(Json const& explanation);

/// What would have kept an acting incident from acting, or made a refused one act; nearest first.
std::vector<std::string> nearest_changes(Incident const& incident);

/// Whether the client asked for `mime` (Accept) or ?format=`format`.
bool wants_text(Request const& request, std::string_view mime, std::string_view format);
/// JSON, or text where it was asked for.
Response answer_explanation(Request const& request, Json const& explanation);

}  // namespace rollbackd::api

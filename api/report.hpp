// The incident report people keep: as JSON, and as Markdown in which nothing from outside acts.
// It opens with the four sentences of every message and leaves to people what only they can know.
#pragma once

#include "engine/engine.hpp"

namespace rollbackd::api {

std::string report_markdown(Incident const& incident, Now const& now);
/// The incident's facts, times in seconds, the timeline, and the Markdown as `markdown`.
Json report_json(Incident const& incident, Now const& now);

}  // namespace rollbackd::api

// Samples as JSON, for checkpoints: {"at":ns,"state":{…}} and so on, one member named after the
// value's kind.
#pragma once

#include "core/sample.hpp"

namespace rollbackd {

Json sample_to_json(Sample const& sample);
Result<Sample> sample_from_json(Json const& json);

}  // namespace rollbackd

// The answer of Prometheus' /api/v1/query as one number. Pure and fuzzed.
#pragma once

#include "core/error.hpp"

#include <string_view>

namespace rollbackd {

/// A scalar, or the only element of a vector. Errors begin with a slug: status (not the server's
/// own answer), query (it refuses the expression), missing (no result), content (anything else).
Result<double> prometheus_number(unsigned status, std::string_view body);

}  // namespace rollbackd

// As much of JSON Schema 2020-12 as policy_schema() uses.
#pragma once

#include "core/json.hpp"

namespace rollbackd::testing {

/// Every way `value` breaks `schema`, as "path: what". Throws on a keyword it does not know.
std::vector<std::string> schema_problems(Json const& schema, Json const& value);

}  // namespace rollbackd::testing

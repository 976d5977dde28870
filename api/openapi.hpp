// The API described by itself: an OpenAPI 3.1 document made from the endpoint table and the schemas
// of openapi_schemas.cpp. What it says of requests is what contract.hpp holds them to.
#pragma once

#include "core/json.hpp"

namespace rollbackd::api {

/// Made once.
Json const& openapi_document();
/// components/schemas: every shape that the endpoint table names.
JsonObject openapi_schemas();
/// Of a parameter in a path, a query or a header.
Json openapi_parameter_schema(std::string_view name);

}  // namespace rollbackd::api

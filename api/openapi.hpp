// The API described by itself: an OpenAPI 3.1 document made from the endpoint table and the schemas
// of openapi_schemas.cpp. Made anew for each request, so that nobody pays for it who never asks.
#pragma once

#include "core/json.hpp"

namespace rollbackd::api {

Json openapi_document();
/// components/schemas: every shape that the endpoint table names.
JsonObject openapi_schemas();

}  // namespace rollbackd::api

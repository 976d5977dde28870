// Every shape of the API, in a short notation: a name on a line of its own, then one indented line
// a member, "name: type". A type is string, integer, number, boolean, time, any, object, an enum
// "a|b|c", an enum of the engine "@run", a shape's name, "[type]" for a list, "{type}" for a map of
// names, or "type?" for one that may be null. A "?" after the name: it may be left out. A "!" after
// a shape's name: no other members.
#pragma once

#include <string_view>

namespace rollbackd::api {

std::string_view service_shapes();
std::string_view incident_shapes();

}  // namespace rollbackd::api

// Refusals as RFC 9457 problem+json: {type, title, status, detail, instance, request_id, errors}.
// Handlers make them without knowing the request; finish_problem adds what is of it at the end.
#pragma once

#include "api/request.hpp"
#include "api/response.hpp"

namespace rollbackd::api {

/// The reason phrase of a status, as in RFC 9110.
std::string_view title_of(unsigned status);
/// The status an Error means to a client.
unsigned status_of(Errc code);

Response refuse(unsigned status, std::string detail, std::vector<Mistake> errors = {});
/// By the code; a `where` that is a JSON pointer becomes the pointer of the one mistake.
Response refuse(Error const& error);

/// Makes the body where the answer is a problem; otherwise changes nothing.
void finish_problem(Response& response, Request const& request);

}  // namespace rollbackd::api

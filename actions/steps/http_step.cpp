// http: one request, done when the answer is as expected.
#include "actions/steps/infos.hpp"

namespace rollbackd {

TypeInfo http_step_info() {
    TypeInfo info;
    info.name = "http";
    info.doc =
        "Sends one HTTP request. Done when the answer is as expected; an answer that is not, is "
        "failed; no answer is unknown.";
    info.fields = {
        {.name = "method",
         .type = FieldType::choice,
         .doc = "Default: POST with a body, else GET.",
         .choices = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}},
        {.name = "url", .type = FieldType::url, .doc = "http or https.", .required = true},
        {.name = "headers", .type = FieldType::text_map, .doc = "Sent with the request."},
        {.name = "body", .type = FieldType::text, .doc = "Sent as it is."},
        {.name = "expect",
         .type = FieldType::object,
         .doc = "What the answer must be; default: a status of 2xx.",
         .fields =
             {{.name = "status", .type = FieldType::status, .doc = "200, \"2xx\", or a list."},
              {.name = "body", .type = FieldType::text, .doc = "Text the body must contain."},
              {.name = "json",
               .type = FieldType::any_map,
               .doc = "JSON pointer to the value that must stand there, type included."}}},
        {.name = "ca",
         .type = FieldType::path,
         .doc = "Trust this PEM file instead of the system's."},
    };
    return info;
}

}  // namespace rollbackd

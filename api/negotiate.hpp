// In which form an answer is sent, if at all (RFC 9110, 12 and 13): whoever has it already is told
// so, and whoever takes gzip gets it.
#pragma once

#include "api/request.hpp"
#include "api/response.hpp"

namespace rollbackd::api {

/// Whether an Accept-Encoding takes gzip: "br, gzip;q=0.5", "*".
bool takes_gzip(std::string_view accept_encoding);
/// Whether an If-None-Match names the tag, which is without quotes: `"a", W/"b"`, `*`.
bool names_tag(std::string_view if_none_match, std::string_view tag);
/// As RFC 1952 has it, quickly rather than small.
std::string gzip(std::string_view bytes);

/// Gives the successful answer of a GET a tag where it is `tagged`, and either leaves its body out
/// (304) or sends it in the form that was asked for. Others stay as they are.
void negotiate(Request const& request, Response& response, bool tagged);

inline constexpr std::size_t gzip_bytes_min = 1024;  // less fits into one packet anyway

}  // namespace rollbackd::api

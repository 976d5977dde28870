// Whether an HTTP answer is what `expect { status, body, json, has }` asks for. One judge for the
// http probe, the http step and whoever else waits for an answer. Pure.
#pragma once

#include "core/descriptor.hpp"
#include "core/io/http_client.hpp"

namespace rollbackd {

enum class HttpJudgement { met, failed, unknown };

struct HttpVerdict {
    HttpJudgement judgement = HttpJudgement::met;
    std::string reason;  // "status: 503, expected 2xx"; empty when met

    friend bool operator==(HttpVerdict const&, HttpVerdict const&) = default;
};

/// `expect` as configuration leaves it: status is 200, "2xx" or a list of those (absent: 2xx), body
/// a substring, json a map from RFC 6901 pointers to values of their YAML type, has a list of
/// pointers. A member whose value is asked for and that is not there makes the answer unknown; one
/// of `has` that is not there, or anything that is there and differs, makes it failed.
HttpVerdict judge(Json const& expect, HttpResponse const& response);

/// The members of `expect`, as configuration reads them.
std::vector<Field> expect_fields();

/// What cannot work: a pointer without its slash, with the member it stands in. Empty: nothing.
std::vector<Error> problems_of_expect(Json const& expect);

/// Whether judge() will read the body.
bool needs_body(Json const& expect);

}  // namespace rollbackd

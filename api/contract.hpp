// What a request must be: the OpenAPI document, the very one that is served, held against each
// request before a handler sees it. What handlers still refuse is what no schema can know: that
// there is no such service, that a time lies in the past.
#pragma once

#include "api/request.hpp"
#include "api/schema.hpp"

namespace rollbackd::api {

class Contract {
public:
    /// Errc::invalid with the place in the document where it says what nobody here knows.
    static Result<Contract> of(Json const& document);

    /// Names in the path (404: they cannot exist), the query (422) and headers (400).
    std::optional<Response> judge_parameters(Request const& request) const;
    /// Reads the body into request.json: 400 where it is no JSON, 422 with every mistake where it
    /// is not as described. One of lines is judged line by line as it is read.
    std::optional<Response> judge_body(Request& request) const;
    /// A line of a body of lines; Error.where is the member.
    Result<void> judge_line(Request const& request, Json const& line) const;

private:
    struct Parameter {
        std::string name;
        std::string in;
        Schemas::Id schema = 0;
    };
    struct Operation {
        std::vector<Parameter> parameters;
        std::optional<Schemas::Id> body;
        std::optional<Schemas::Id> line;
        bool body_required = false;
    };

    Result<Operation> read(Json const& operation, std::string const& where);
    std::optional<Response> judge_query(Operation const& operation, Request const& request) const;
    /// What is wrong with one text of a path, a query or a header; empty: nothing.
    std::string wrong(Parameter const& parameter, std::string const& text) const;
    Operation const& of(Request const& request) const;

    Schemas schemas_;
    std::map<std::string, Operation, std::less<>> operations_;
};

/// Of the document that this daemon serves; compiled at the first call, which Router's constructor
/// makes. A document that does not compile ends the process: it is ours.
Contract const& contract();

inline constexpr std::string_view lines_type = "application/x-ndjson";

}  // namespace rollbackd::api

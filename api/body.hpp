// Reads a request's body, which is known to be as the OpenAPI document says, member by member, and
// collects what no schema could know to be wrong: 422 with every mistake's pointer, all at once.
#pragma once

#include "api/request.hpp"
#include "api/response.hpp"

namespace rollbackd::api {

class Members {
public:
    explicit Members(Request const& request) : body_(request.json) {}

    /// Whether there is such a member, and it is not null.
    bool has(std::string_view name) const;
    /// Nothing where there is no such member, or null.
    std::optional<std::string> text(std::string_view name) const;
    std::optional<bool> boolean(std::string_view name) const;
    std::optional<WallTime> time(std::string_view name) const;
    /// Of no length, or longer than any clock runs, is a mistake.
    std::optional<Duration> duration(std::string_view name);
    JsonObject object(std::string_view name) const;

    void mistake(std::string_view name, std::string detail);
    /// The refusal, or nothing where all is well.
    std::optional<Response> refusal();

private:
    Json const* member(std::string_view name) const;

    Json const& body_;
    std::vector<Mistake> mistakes_;
};

}  // namespace rollbackd::api

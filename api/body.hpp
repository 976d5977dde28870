// Reads a request's JSON object member by member and collects every mistake: malformed text is 400,
// wrong types, missing and unknown members are 422 with their pointers, all at once.
#pragma once

#include "api/request.hpp"
#include "api/response.hpp"

namespace rollbackd::api {

/// The JSON pointer of a member (RFC 6901: ~ and / in its name are escaped).
std::string pointer_to(std::string_view name);

class Members {
public:
    /// An empty body reads as {} (whether a member was required is found out by asking for it).
    explicit Members(Request const& request);

    /// Whether there is such a member, and it is not null.
    bool has(std::string_view name) const;
    std::optional<std::string> text(std::string_view name, std::size_t bytes_max = 4096);
    /// Absent, null or blank is a mistake.
    std::string required_text(std::string_view name, std::size_t bytes_max = 4096);
    std::optional<bool> boolean(std::string_view name);
    std::optional<WallTime> time(std::string_view name);
    std::optional<Duration> duration(std::string_view name);
    JsonObject object(std::string_view name);
    /// The text where it is one of `allowed`; a mistake naming them otherwise.
    std::optional<std::string> one_of(
        std::string_view name, std::vector<std::string> const& allowed
    );

    void mistake(std::string_view name, std::string detail);
    /// To be called after every member was asked for: the refusal, or nothing where all is well.
    std::optional<Response> refusal();

private:
    Json const* member(std::string_view name);

    Json body_;
    std::optional<Response> malformed_;
    std::vector<std::string> asked_;
    std::vector<Mistake> mistakes_;
};

}  // namespace rollbackd::api

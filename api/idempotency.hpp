// Idempotency-Key: the first request with a key is carried out, the same one again gets the same
// answer, for 24 h and over restarts. The journal knows of the key before anything is done, so a
// request cut off by a crash is never carried out a second time: its repeat is told so (409).
#pragma once

#include "api/routes.hpp"

#include <set>

namespace rollbackd::api {

class Idempotency {
public:
    /// Of one request; `scope` is empty where it carries no key.
    struct Ticket {
        std::string scope;
        std::string body_hash;
    };

    /// Either the answer to give instead of carrying the request out (a replay, 409 or 422), or
    /// nothing, and then finish() must follow.
    Awaitable<std::optional<Response>> begin(Context& context, Ticket& ticket);
    Awaitable<void> finish(Context& context, Ticket const& ticket, Response const& response);

    static constexpr Duration kept = std::chrono::hours(24);

private:
    std::set<std::string> under_way_;
};

/// The key of a header value, bare or quoted (RFC 8941 string).
std::string idempotency_key(std::string_view header);

}  // namespace rollbackd::api

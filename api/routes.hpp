// The endpoint table: every call of the API with its access, body and handler. Routing, the OpenAPI
// document and the tests all read this one table.
#pragma once

#include "api/auth.hpp"
#include "api/host.hpp"
#include "api/request.hpp"
#include "api/response.hpp"

#include <span>
#include <variant>

namespace rollbackd::api {

class Feed;

/// What a handler may use. Lives until its answer is made.
struct Context {
    Host& host;
    Feed& feed;
    Request& request;

    Engine const& engine() const { return host.engine(); }
    State const& state() const { return host.engine().state(); }
    Policy const& policy() const { return host.engine().policy(); }
};

using Handler = Response (*)(Context& context);
using SlowHandler = Awaitable<Response> (*)(Context& context);

enum class BodyKind {
    none,     // one that is sent is read and forgotten
    json,     // application/json, up to 1 MiB
    samples,  // application/json or application/x-ndjson, up to 16 MiB
};

/// Whether a call changes what the journal must record.
enum class Effect {
    none,
    recorded,  // answers 503 while the journal cannot be written; honours Idempotency-Key
    always,    // changes, but is carried out without the journal too: abort, push
};

struct Endpoint {
    std::string_view method;
    std::string_view pattern;  // "/v1/services/{s}"
    Access access = Access::read;
    BodyKind body = BodyKind::none;
    Effect effect = Effect::none;
    std::variant<Handler, SlowHandler> handler;
    std::string_view id;  // operationId
    std::string_view summary;
    unsigned status = 200;     // of success
    std::string_view answers;  // schema of the success body; "[X]" is a list of X; empty: no JSON
    std::string_view takes;    // schema of the body
    std::string_view query;    // names of query parameters, separated by spaces
    bool moving = false;       // says the time, so it is another answer each time: no tag
};

std::span<Endpoint const> endpoints();

/// Where a request leads.
struct Route {
    Endpoint const* endpoint = nullptr;  // null: the path is unknown, or not for this method
    std::map<std::string, std::string> params;
    std::string allow;  // methods of the path where only the method does not fit
};
Route find_route(Request const& request);

inline constexpr std::size_t json_body_bytes_max = std::size_t{1} << 20U;
inline constexpr std::size_t samples_body_bytes_max = std::size_t{16} << 20U;

}  // namespace rollbackd::api

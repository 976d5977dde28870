#include "api/router.hpp"

#include "api/contract.hpp"
#include "api/negotiate.hpp"
#include "api/problem.hpp"

namespace rollbackd::api {

namespace {

Response unsupported(std::string_view accepted) {
    auto response = refuse(415, "send Content-Type: " + std::string(accepted));
    response.headers.emplace_back("Accept-Post", std::string(accepted));
    return response;
}

/// How large the body may be, or 415 where its type does not fit.
Admission judge_body(Request const& request, BodyKind kind) {
    Admission admission;
    admission.body_bytes_max = json_body_bytes_max;
    if (!request.has_body || kind == BodyKind::none) return admission;
    if (request.has_header("content-encoding")) {
        admission.refusal = refuse(415, "send the body without Content-Encoding");
        return admission;
    }
    auto const type = request.media_type();
    bool const samples = kind == BodyKind::samples;
    if (samples && type == "application/x-ndjson") {
        admission.body_bytes_max = samples_body_bytes_max;
    } else if (type != "application/json") {
        admission.refusal =
            unsupported(samples ? "application/json, application/x-ndjson" : "application/json");
    }
    return admission;
}

bool is_open_page(Endpoint const& endpoint) { return endpoint.access == Access::open; }

Response no_route(Route const& route, Request const& request) {
    if (route.allow.empty()) return refuse(404, "there is nothing at " + request.path);
    auto response = refuse(405, request.method + " is not for this; allowed: " + route.allow);
    response.headers.emplace_back("Allow", route.allow);
    return response;
}

}  // namespace

Router::Router(Host& host, Feed& feed, std::uint32_t own_uid)
    : host_(host), feed_(feed), gatekeeper_(own_uid) {
    (void)contract();  // a document that says what nobody knows is found out before the first call
}

Admission Router::admit(Request& request) {
    auto admission = judge(request);
    if (admission.refusal) add_date(*admission.refusal, host_.now().wall);
    return admission;
}

Admission Router::judge(Request& request) {
    auto const now = host_.now();
    request.begun = now.boot;
    auto route = find_route(request);
    request.endpoint = route.endpoint;
    request.params = std::move(route.params);
    auto const access = route.endpoint != nullptr ? route.endpoint->access : Access::read;
    auto const& daemon = host_.engine().policy().daemon;
    Admission admission;
    admission.refusal = gatekeeper_.judge(request, access, daemon, now);
    request.actor.request = request.id;
    if (auto const from = gatekeeper_.take_throttled(); !from.empty()) host_.throttled(from);
    if (admission.refusal) return admission;
    if (request.endpoint == nullptr) {
        admission.refusal = no_route(route, request);
        return admission;
    }
    if (!is_open_page(*request.endpoint)) admission.refusal = contract().judge_parameters(request);
    if (admission.refusal) return admission;
    return judge_body(request, request.endpoint->body);
}

boost::asio::awaitable<Response> Router::handle(Request& request) {
    Context context{host_, feed_, request};
    Response response;
    std::string surprise;
    try {
        response = co_await carry_out(context);
    } catch (std::exception const& problem) {
        surprise = problem.what();
    }
    if (!surprise.empty()) {
        host_.surprised(request.endpoint->pattern, surprise, request.id);
        response = refuse(500, "something unexpected happened; the daemon's log says what");
    }
    finish_problem(response, request);
    negotiate(request, response, !request.endpoint->moving);
    add_date(response, host_.now().wall);
    co_return response;
}

Awaitable<Response> Router::carry_out(Context& context) {
    auto const& endpoint = *context.request.endpoint;
    if (endpoint.effect == Effect::none) co_return co_await call(context);
    if (auto const why = host_.why_standing_by(); !why.empty()) co_return refuse(503, why);
    bool const writable = host_.journal_writable();
    if (!writable && endpoint.effect == Effect::recorded) {
        co_return refuse(503, "the journal cannot be written, so nothing may be changed");
    }
    // What is carried out even without the journal cannot wait for it to remember a key.
    if (!writable) co_return co_await call(context);
    Idempotency::Ticket ticket;
    auto instead = co_await idempotency_.begin(context, ticket);
    if (instead) co_return *std::move(instead);
    Response response;
    std::exception_ptr surprise;
    try {
        response = co_await call(context);
    } catch (...) {
        surprise = std::current_exception();
        response = refuse(500, "surprise");
    }
    finish_problem(response, context.request);
    co_await idempotency_.finish(context, ticket, response);
    if (surprise) std::rethrow_exception(surprise);
    co_return response;
}

Awaitable<Response> Router::call(Context& context) {
    if (auto refusal = contract().judge_body(context.request)) co_return *std::move(refusal);
    auto const& handler = context.request.endpoint->handler;
    if (auto const* const quick = std::get_if<Handler>(&handler)) co_return (*quick)(context);
    auto const slow = std::get<SlowHandler>(handler);
    co_return co_await slow(context);
}

void Router::finished(Request const& request, unsigned status, std::uint64_t bytes_out) {
    RequestSeen seen;
    seen.method = request.endpoint != nullptr ? request.endpoint->method : std::string_view();
    seen.route = request.endpoint != nullptr ? request.endpoint->pattern : std::string_view();
    seen.status = status;
    bool const begun = request.begun != Instant{};
    seen.took = begun ? host_.now().boot - request.begun : Duration::zero();
    seen.bytes_in = request.body.size();
    seen.bytes_out = bytes_out;
    seen.path = request.path;
    seen.id = request.id;
    seen.by = request.actor.name;
    seen.from = request.peer.local_socket ? std::string_view("unix") : request.peer.address;
    seen.told = request.endpoint != nullptr && request.endpoint->effect != Effect::none &&
                request.endpoint->access != Access::push && request.trusted;
    host_.seen(seen);
}

void Router::surprised(std::string_view where, std::string_view what) {
    host_.surprised(where, what, {});
}

}  // namespace rollbackd::api

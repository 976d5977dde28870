#include "api/idempotency.hpp"

#include "api/problem.hpp"

namespace rollbackd::api {

namespace {

// What AnsweredRequest::status says besides a real status.
constexpr std::uint32_t begun = 0;      // carried out, or cut off: nobody knows yet
constexpr std::uint32_t no_answer = 1;  // refused for reasons that pass: as if never asked

/// Refused because of the moment, not because of the request: trying again may succeed.
bool is_passing(unsigned status) { return status == 429 || status >= 500; }

AnsweredRequest mark(
    Idempotency::Ticket const& ticket, std::uint32_t status, std::string answer, Now const& now
) {
    AnsweredRequest request;
    request.scope = ticket.scope;
    request.body_hash = ticket.body_hash;
    request.status = status;
    request.answer = std::move(answer);
    request.at.wall = now.wall;
    request.at.boot = now.boot;
    return request;
}

std::string packed(Response const& response) {
    JsonObject out;
    out["type"] = response.content_type;
    out["body"] = response.body;
    for (auto const& [name, value] : response.headers) {
        if (name == "Location") out["location"] = value;
    }
    return to_text(Json(std::move(out)));
}

Response unpacked(AnsweredRequest const& known) {
    Response response;
    response.status = known.status;
    auto const stored = parse_json(known.answer);
    if (stored) {
        response.content_type = text_of(*stored, "type");
        response.body = text_of(*stored, "body");
        auto const location = text_of(*stored, "location");
        if (!location.empty()) response.headers.emplace_back("Location", location);
    }
    response.headers.emplace_back("Idempotency-Replayed", "true");
    return response;
}

std::optional<Response> judge_known(
    AnsweredRequest const& known, Idempotency::Ticket const& ticket, Now const& now
) {
    bool const expired = now.wall - known.at.wall > Idempotency::kept;
    if (expired || known.status == no_answer) return std::nullopt;
    if (known.body_hash != ticket.body_hash) {
        return refuse(422, "this Idempotency-Key was used with another body: choose a new one");
    }
    if (known.status == begun) {
        return refuse(
            409,
            "a request with this Idempotency-Key was begun and its end is not known: look "
            "whether it took effect before you ask again with another key"
        );
    }
    return unpacked(known);
}

}  // namespace

std::string idempotency_key(std::string_view header) {
    bool const quoted = header.size() >= 2 && header.front() == '"' && header.back() == '"';
    if (quoted) header = header.substr(1, header.size() - 2);
    return std::string(header);
}

Awaitable<std::optional<Response>> Idempotency::begin(Context& context, Ticket& ticket) {
    auto const& request = context.request;
    if (!request.has_header("idempotency-key")) co_return std::nullopt;
    auto const key = idempotency_key(request.header("idempotency-key"));
    Ticket mine;
    mine.scope =
        sha256_hex(request.actor.name + "\n" + request.method + "\n" + request.path + "\n" + key);
    mine.body_hash = sha256_hex(request.body);
    auto const now = context.host.now();
    auto const& answered = context.state().answered;
    if (auto const known = answered.find(mine.scope); known != answered.end()) {
        if (auto replay = judge_known(known->second, mine, now)) co_return replay;
    }
    if (under_way_.contains(mine.scope)) {
        co_return refuse(409, "a request with this Idempotency-Key is still under way");
    }
    under_way_.insert(mine.scope);
    ticket = mine;
    Event event = RequestAnswered{mark(mine, begun, {}, now)};
    auto const reply = co_await context.host.submit(std::move(event));
    if (!reply.error) co_return std::nullopt;
    under_way_.erase(mine.scope);
    ticket = Ticket();
    co_return refuse(*reply.error);
}

Awaitable<void> Idempotency::finish(
    Context& context, Ticket const& ticket, Response const& response
) {
    if (ticket.scope.empty()) co_return;
    bool const passing = is_passing(response.status);
    auto const status = passing ? no_answer : response.status;
    auto answer = passing ? std::string() : packed(response);
    Event event = RequestAnswered{mark(ticket, status, std::move(answer), context.host.now())};
    // Not recorded: the repeat is told 409, which is the truth as far as the journal knows it.
    (void)co_await context.host.submit(std::move(event));
    under_way_.erase(ticket.scope);
}

}  // namespace rollbackd::api

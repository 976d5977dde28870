// Pause, resume and silences.
#include "api/body.hpp"
#include "api/handlers.hpp"
#include "api/lookup.hpp"
#include "api/page.hpp"
#include "api/render.hpp"

namespace rollbackd::api {

namespace {

struct Choice {
    std::string service;  // empty: all
    std::optional<Response> refusal;
};

/// {"service":…}, which may be left out for all of them.
Choice read_service(Context& context) {
    Choice choice;
    choice.service = Members(context.request).text("service").value_or("");
    if (choice.service.empty()) return choice;
    auto found = find_service(context, choice.service);
    if (!found) choice.refusal = std::move(found.refusal);
    return choice;
}

Response answer_switch(Context& context, std::string const& service) {
    auto const& state = context.state();
    bool const own = !service.empty() && state.service(service).paused;
    JsonObject body;
    body["service"] = service.empty() ? Json(nullptr) : to_json(service);
    body["paused"] = own || state.paused;
    body["by"] = own ? state.service(service).paused_by : state.paused_by;
    return answer(body);
}

Response answer_silence(State const& state, std::string const& id) {
    for (auto const& silence : state.silences) {
        if (silence.id != id) continue;
        auto response = answer(render_silence(silence), 201);
        response.headers.emplace_back("Location", "/v1/silences/" + id);
        return response;
    }
    return refuse(500, "the silence was recorded but is not there");
}

struct Wanted {
    SilenceAdded event;
    std::optional<Response> refusal;
};

Wanted read_silence(Context& context) {
    Wanted wanted;
    Members members(context.request);
    auto choice = read_service(context);
    wanted.event.actor = context.request.actor;
    wanted.event.service = choice.service;
    wanted.event.reason = members.text("reason").value();
    auto const length = members.duration("for");
    auto const until = members.time("until");
    auto const now = context.host.now();
    if (members.has("for") == members.has("until")) {
        members.mistake("for", "a silence needs one end: for (a duration) or until (a time)");
    }
    if (length) wanted.event.for_ = *length;
    if (until) wanted.event.for_ = *until - now.wall;
    if (until && *until <= now.wall) members.mistake("until", "lies in the past");
    wanted.refusal = members.refusal();
    if (!wanted.refusal) wanted.refusal = std::move(choice.refusal);
    return wanted;
}

std::vector<std::string> silences_of(State const& state, std::string const& service) {
    std::vector<std::string> ids;
    for (auto const& silence : state.silences) {
        if (silence.service == service) ids.push_back(silence.id);
    }
    return ids;
}

Awaitable<Response> end_silence(Context& context, std::string id) {
    Event event = SilenceRemoved{context.request.actor, std::move(id)};
    auto const reply = co_await context.host.submit(std::move(event));
    if (reply.error) co_return refuse(*reply.error);
    co_return no_content();
}

}  // namespace

Awaitable<Response> post_pause(Context& context) {
    auto choice = read_service(context);
    if (choice.refusal) co_return *std::move(choice.refusal);
    Event event = Paused{context.request.actor, choice.service};
    auto const reply = co_await context.host.submit(std::move(event));
    if (reply.error) co_return refuse(*reply.error);
    co_return answer_switch(context, choice.service);
}

Awaitable<Response> post_resume(Context& context) {
    auto choice = read_service(context);
    if (choice.refusal) co_return *std::move(choice.refusal);
    Event event = Resumed{context.request.actor, choice.service};
    auto const reply = co_await context.host.submit(std::move(event));
    if (reply.error) co_return refuse(*reply.error);
    co_return answer_switch(context, choice.service);
}

Response list_silences(Context& context) {
    return answer_page(
        context.request, context.state().silences,
        [](Silence const& silence) { return silence.id; }, render_silence
    );
}

Awaitable<Response> post_silence(Context& context) {
    auto wanted = read_silence(context);
    if (wanted.refusal) co_return *std::move(wanted.refusal);
    Event event = std::move(wanted.event);
    auto const reply = co_await context.host.submit(std::move(event));
    if (reply.error) co_return refuse(*reply.error);
    co_return answer_silence(context.state(), reply.silence);
}

Awaitable<Response> delete_silences(Context& context) {
    Members members(context.request);
    auto const& request = context.request;
    auto const id = members.text("id").value_or(request.query_value("id"));
    auto const service = members.text("service").value_or(request.query_value("service"));
    if (id.empty() == service.empty()) {
        members.mistake("id", "which silences? name one by its id, or a service");
    }
    if (auto refusal = members.refusal()) co_return *std::move(refusal);
    if (!id.empty()) co_return co_await end_silence(context, id);
    auto found = find_service(context, service);
    if (!found) co_return std::move(found.refusal);
    auto const ids = silences_of(context.state(), service);
    if (ids.empty()) co_return refuse(404, "no silence of " + service + " is in force");
    for (auto const& one : ids) {
        auto response = co_await end_silence(context, one);
        if (response.problem) co_return response;
    }
    co_return no_content();
}

Awaitable<Response> delete_silence(Context& context) {
    std::string const id = context.request.param("id");
    co_return co_await end_silence(context, id);
}

}  // namespace rollbackd::api

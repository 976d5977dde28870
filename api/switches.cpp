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
Choice read_service(Context& context, Members& members) {
    Choice choice;
    choice.service = members.text("service").value_or("");
    bool const unknown =
        !choice.service.empty() && context.policy().service(choice.service) == nullptr;
    if (unknown) choice.refusal = refuse(404, "no service named " + choice.service);
    return choice;
}

Response answer_switch(Context& context, std::string const& service) {
    auto const& state = context.state();
    bool const all = service.empty();
    JsonObject body;
    body["service"] = all ? Json(nullptr) : to_json(service);
    body["paused"] = all ? state.paused : state.paused || state.service(service).paused;
    body["by"] = all ? state.paused_by : state.service(service).paused_by;
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
    auto choice = read_service(context, members);
    wanted.event.actor = context.request.actor;
    wanted.event.service = choice.service;
    wanted.event.reason = members.required_text("reason");
    auto const length = members.duration("for");
    auto const until = members.time("until");
    auto const now = context.host.now();
    if (length.has_value() == until.has_value()) {
        members.mistake("for", "a silence needs an end: for (a duration) or until (a time)");
    } else if (length) {
        wanted.event.for_ = *length;
    } else if (*until <= now.wall) {
        members.mistake("until", "lies in the past");
    } else {
        wanted.event.for_ = *until - now.wall;
    }
    wanted.refusal = members.refusal();
    if (!wanted.refusal) wanted.refusal = std::move(choice.refusal);
    return wanted;
}

}  // namespace

Awaitable<Response> post_pause(Context& context) {
    Members members(context.request);
    auto choice = read_service(context, members);
    if (auto refusal = members.refusal()) co_return *std::move(refusal);
    if (choice.refusal) co_return *std::move(choice.refusal);
    Event event = Paused{context.request.actor, choice.service};
    auto const reply = co_await context.host.submit(std::move(event));
    if (reply.error) co_return refuse(*reply.error);
    co_return answer_switch(context, choice.service);
}

Awaitable<Response> post_resume(Context& context) {
    Members members(context.request);
    auto choice = read_service(context, members);
    if (auto refusal = members.refusal()) co_return *std::move(refusal);
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

Awaitable<Response> delete_silence(Context& context) {
    auto const& params = context.request.params;
    std::string const id =
        params.contains("id") ? params.at("id") : context.request.query_value("id");
    if (id.empty()) co_return refuse(422, "which silence? DELETE /v1/silences/{id}");
    Event event = SilenceRemoved{context.request.actor, id};
    auto const reply = co_await context.host.submit(std::move(event));
    if (reply.error) co_return refuse(*reply.error);
    co_return no_content();
}

}  // namespace rollbackd::api

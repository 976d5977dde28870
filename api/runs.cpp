// A person's own run of a playbook, what it would do, and what came of a drill.
#include "api/body.hpp"
#include "api/handlers.hpp"
#include "api/lookup.hpp"
#include "api/render.hpp"
#include "engine/live_version.hpp"

namespace rollbackd::api {

namespace {

void replace(std::string& text, std::string_view what, std::string const& by) {
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
        text.replace(at, what.size(), by);
    }
}

/// What only the run itself will know, in words: which backup it will be, and what belongs to it.
void name_what_comes(Json& would, Plan const& plan, Foreseen const& coming) {
    auto const saved = asks_version_of(plan.steps);
    auto const version = coming.version.empty() ? std::string() : ", now " + coming.version;
    for (auto& line : would.as_array()) {
        auto text = text_of(line, "would");
        replace(
            text, "{{ steps." + saved + ".version }}",
            "the version in effect at the time of the backup" + version
        );
        for (auto const& step : plan.steps) {
            if (step.save.empty()) continue;
            replace(text, "{{ steps." + step.save + ".as_of }}", "the time of the backup");
        }
        line.as_object()["would"] = text;
    }
}

/// Each step's line of a dry run, with what the step itself says about it now.
Json with_looks(Json would, Answer const& found) {
    for (auto& line : would.as_array()) {
        auto const* const n = find(line, "n");
        for (auto const& look : found.looks) {
            if (n == nullptr || *n != look.n) continue;
            line.as_object()["preflight"] = to_string(look.found);
            if (!look.text.empty()) line.as_object()["why"] = look.text;
        }
    }
    return would;
}

}  // namespace

Awaitable<Response> post_run(Context& context) {
    auto service = find_service(context);
    if (!service) co_return std::move(service.refusal);
    auto playbook = find_playbook(context, *service);
    if (!playbook) co_return std::move(playbook.refusal);
    Members members(context.request);
    RunAsked asked;
    asked.actor = context.request.actor;
    asked.service = service->name;
    asked.playbook = playbook->name;
    asked.reason = members.text("reason").value_or("");
    bool const dry_run = members.boolean("dry_run").value_or(false);
    asked.force = members.boolean("force").value_or(false);
    asked.inputs = members.object("inputs");

    auto const plan =
        context.engine().plan(asked.service, asked.playbook, asked.inputs, context.host.now());
    if (!plan && plan.error().code == Errc::invalid) {
        members.mistake("inputs", to_string(plan.error()));
        co_return *members.refusal();
    }
    if (!plan) co_return refuse(plan.error());
    if (dry_run) {
        auto question = context.engine().ask_for(*plan);
        question.references = false;
        question.dependencies.clear();
        question.schema = false;
        question.every_step = true;
        auto const found = co_await context.host.ask(std::move(question));
        JsonObject body;
        auto const coming = foresee(context.state().service(service->name), *plan, found.looks);
        body["plan"] = render_plan(*plan, context.host.now().wall, coming.as_of);
        auto would = context.host.dry_run(*plan);
        name_what_comes(would, *plan, coming);
        body["would"] = with_looks(std::move(would), found);
        co_return answer(body);
    }
    if (!context.host.journal_writable()) {
        co_return refuse(503, "the journal cannot be written, so nothing is started");
    }
    auto question = context.engine().ask_for(*plan);
    asked.answer = co_await context.host.ask(std::move(question));
    Event event = std::move(asked);
    auto const reply = co_await context.host.submit(std::move(event));
    auto response = answer_run(context, reply, 201);
    if (!reply.error) {
        response.headers.emplace_back("Location", "/v1/incidents/" + reply.incident);
    }
    co_return response;
}

Awaitable<Response> post_drill(Context& context) {
    auto service = find_service(context);
    if (!service) co_return std::move(service.refusal);
    auto playbook = find_playbook(context, *service);
    if (!playbook) co_return std::move(playbook.refusal);
    Members const members(context.request);
    DrillDone done;
    done.actor = context.request.actor;
    done.service = service->name;
    done.playbook = playbook->name;
    done.incident = members.text("incident").value();
    done.broken_at = members.time("broken_at").value();
    auto const of = std::pair(done.service, done.playbook);
    Event event = std::move(done);
    auto const reply = co_await context.host.submit(std::move(event));
    if (reply.error) co_return refuse(*reply.error);
    auto const& drills = context.state().service(of.first).drills;
    auto const found = drills.find(of.second);
    co_return answer(found == drills.end() ? Json(nullptr) : render_drill(found->second), 201);
}

}  // namespace rollbackd::api

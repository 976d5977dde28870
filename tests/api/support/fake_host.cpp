#include "tests/api/support/fake_host.hpp"

#include "api/problem.hpp"
#include "core/io/task_group.hpp"
#include "core/record.hpp"

#include <stdexcept>

namespace rollbackd::api::testing {

namespace {

boost::asio::awaitable<void> handle_into(Router& router, Request& request, Response& response) {
    response = co_await router.handle(request);
}

boost::asio::awaitable<void> next_into(Stream& stream, std::string& chunk) {
    auto const got = co_await stream.next();
    chunk = got.value_or("");
}

}  // namespace

Policy policy_with_tokens() {
    auto policy = engine_testing::shop_policy();
    for (auto const* const role : {"read", "ingest", "operate", "approve", "admin"}) {
        TokenPolicy token;
        token.name = std::string("test-") + role;
        token.role = role;
        token.sha256 = sha256_hex(std::string(role) + "-secret");
        policy.daemon.tokens.push_back(token);
    }
    return policy;
}

Awaitable<Reply> FakeHost::submit(Event event) {
    if (throws) throw std::runtime_error("surprise");
    if (!writable && !std::holds_alternative<Aborted>(event)) {
        Reply refused;
        refused.error = Error{Errc::unavailable, "the journal cannot be written", ""};
        co_return refused;
    }
    world.send(std::move(event));
    co_return world.reply;
}

Result<std::uint64_t> FakeHost::alerts(AlertNotice const& notice, bool trusted) {
    if (queue_full) return fail(Errc::unavailable, "too many alerts fire at once");
    notices.push_back(notice);
    last_trusted = trusted;
    return std::uint64_t(notice.alerts.size());
}

Result<void> FakeHost::ingest(std::vector<Sample> given) {
    if (queue_full) return fail(Errc::unavailable, "too many samples are waiting");
    for (auto& sample : given) {
        samples.push_back(sample);
        world.sample(std::move(sample));
    }
    return {};
}

Awaitable<Answer> FakeHost::ask(AskFresh question) {
    questions.push_back(std::move(question));
    co_return Answer();
}

Awaitable<ReleaseFacts> FakeHost::facts(std::string) { co_return ReleaseFacts(); }

Awaitable<Result<std::vector<Record>>> FakeHost::read_journal(
    std::uint64_t from, std::size_t limit
) {
    std::vector<Record> out;
    for (auto const& record : world.journal) {
        if (record.seq >= from && out.size() < limit) out.push_back(record);
    }
    co_return out;
}

Json FakeHost::dry_run(Plan const& plan) const {
    JsonArray out;
    for (auto const& step : plan.steps) {
        JsonObject would;
        would["n"] = out.size() + 1;
        would["name"] = step.name;
        would["type"] = step.type;
        would["would"] = "would " + step.type;
        out.push_back(std::move(would));
    }
    return out;
}

std::string FakeHost::step_output(std::string const& run, std::uint32_t n) const {
    return "written by step " + std::to_string(n) + " of " + run + "\n";
}

std::vector<ReadyCheck> FakeHost::readiness() const {
    ReadyCheck store;
    store.name = "store";
    store.ok = writable;
    return {store};
}

Awaitable<Json> FakeHost::reload(Actor) { co_return config_report(); }

Awaitable<Json> FakeHost::check_config(std::optional<std::string>) { co_return config_report(); }

Json FakeHost::config_report() const {
    JsonObject out;
    out["ok"] = config_good;
    if (!config_good) {
        JsonObject problem;
        problem["severity"] = "error";
        problem["file"] = "rollbackd.yaml";
        problem["line"] = 3;
        problem["column"] = 5;
        problem["text"] = "unknown key";
        out["problems"] = JsonArray{std::move(problem)};
    }
    return out;
}

Json Received::json() const {
    auto parsed = parse_json(body);
    if (!parsed) throw std::runtime_error("no JSON: " + body);
    return *parsed;
}

Desk::Desk(Policy policy)
    : host(std::move(policy)), feed(context.get_executor()), router(host, feed, 990) {}

void Desk::run(boost::asio::awaitable<void> task) {
    TaskGroup group(context.get_executor(), [](std::string_view name, std::string_view what) {
        throw std::runtime_error(std::string(name) + ": " + std::string(what));
    });
    group.spawn("test", std::move(task));
    context.restart();
    while (group.size() > 0) context.run_one();
}

Received Desk::ask(
    std::string const& method, std::string const& target, std::string const& body,
    std::string const& role, std::map<std::string, std::string> const& headers
) {
    Request request;
    request.id = request_id({});
    request.method = method;
    if (!set_target(request, target)) throw std::runtime_error("bad target " + target);
    request.peer.loopback = true;
    request.peer.address = "127.0.0.1";
    request.headers.emplace("host", "localhost");
    for (auto const& [name, value] : headers) request.headers.emplace(name, value);
    if (!role.empty()) request.headers.emplace("authorization", "Bearer " + role + "-secret");
    if (!request.has_header("content-type")) {
        request.headers.emplace("content-type", "application/json");
    }
    request.has_body = !body.empty();
    request.content_length = body.size();
    Response response;
    auto admission = router.admit(request);
    if (admission.refusal) {
        response = *std::move(admission.refusal);
        finish_problem(response, request);
    } else {
        request.body = body;
        run(handle_into(router, request, response));
    }
    router.finished(request, response.status, response.body.size());
    Received out;
    out.status = response.status;
    out.type = response.content_type;
    for (auto const& [name, value] : response.headers) out.headers[name] = value;
    out.body = std::move(response.body);
    out.stream = std::move(response.stream);
    return out;
}

std::string Desk::next(Stream& stream) {
    std::string chunk;
    run(next_into(stream, chunk));
    return chunk;
}

}  // namespace rollbackd::api::testing

#include "actions/steps/nginx_include.hpp"

#include "actions/steps/nginx_script.hpp"
#include "actions/steps/words.hpp"
#include "core/io/deadline.hpp"
#include "core/io/http_client.hpp"
#include "core/io/http_expect.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

constexpr Duration pause_between_looks = std::chrono::milliseconds(100);
constexpr Duration look_max = std::chrono::seconds(5);

Command command(StepJob const& job, std::string const& script, std::string content) {
    std::vector<std::string> values{job.text("file")};
    for (auto& word : job.list("nginx")) values.push_back(std::move(word));
    Command out;
    out.argv = script_argv("nginx", script.c_str(), values);
    out.input = std::move(content);
    return out;
}

/// Old workers answer until they have ended, so it is asked again until the step's time is over.
asio::awaitable<StepOutcome> seen(StepJob& job, StepOutcome outcome, bool expects_status) {
    auto const standing = job.text("status");
    Json const expect(JsonObject{{"status", std::stoi(standing)}});
    for (;;) {
        HttpRequest request;
        request.url = job.text("url");
        request.timeout = std::min(job.left(), look_max);
        request.cut_body = true;
        auto const answer = co_await job.parts().http.send(std::move(request));
        std::string what;
        if (answer) {
            bool const has = judge(expect, *answer).judgement == HttpJudgement::met;
            what = "status " + std::to_string(answer->status);
            outcome.text += has == expects_status ? "; " + job.text("url") + ": " + what : "";
            if (has == expects_status) co_return outcome;
        } else {
            what = answer.error().reason();
        }
        bool const late = job.left() <= std::chrono::seconds(1);
        if (late || job.is_aborted()) {
            // It was carried out; it did not have the effect it is there for.
            outcome.kind = job.is_aborted() ? OutcomeKind::aborted : OutcomeKind::failed;
            outcome.text += "; but " + job.text("url") + " answers: " + what;
            co_return outcome;
        }
        if (!co_await sleep_for(pause_between_looks)) {
            co_return outcome_of(OutcomeKind::unknown, "the daemon was stopped");
        }
    }
}

}  // namespace

std::vector<Field> nginx_fields(char const* file, char const* url) {
    return {
        {.name = "file", .type = FieldType::path, .doc = file, .required = true},
        {.name = "nginx",
         .type = FieldType::argv,
         .doc = "How nginx is called: [nginx], [docker, exec, proxy, nginx].",
         .otherwise = JsonArray{"nginx"}},
        {.name = "url", .type = FieldType::url, .doc = url},
        {.name = "status",
         .type = FieldType::integer,
         .doc = "What the URL answers while it is in effect.",
         .min = 100,
         .max = 599},
    };
}

bool is_nginx_word(std::string_view word) {
    return !word.empty() && word.find_first_of(" \t\r\n;{}#'\"\\$") == std::string_view::npos;
}

asio::awaitable<StepOutcome> put_nginx_include(
    StepJob& job, std::string content, bool expects_status
) {
    auto const script = one_text(nginx_prelude, nginx_ready, nginx_act);
    auto const end = co_await job.process("nginx", command(job, script, std::move(content)));
    auto outcome = job.outcome(end);
    if (!end.ok() || !job.has("url")) co_return outcome;
    co_return co_await seen(job, std::move(outcome), expects_status);
}

asio::awaitable<std::optional<Objection>> look_at_nginx(StepJob& job) {
    auto const script = one_text(nginx_prelude, nginx_ready);
    auto const end = co_await job.ask(command(job, script, ""));
    co_return objection(job, end);
}

asio::awaitable<StepOutcome> settle_nginx_include(StepJob& job, std::string content) {
    auto const end = co_await job.ask(command(job, nginx_same, std::move(content)));
    auto outcome = settled(end);
    // The file may be there and nginx not told: told again it does no harm.
    if (outcome.kind == OutcomeKind::done) {
        outcome = outcome_of(OutcomeKind::failed, "the file is there; nginx may be told again");
    }
    co_return outcome;
}

}  // namespace rollbackd

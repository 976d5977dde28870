// http: one request, done when the answer is as expected.
#include "actions/steps/descriptor.hpp"
#include "core/io/deadline.hpp"
#include "core/io/http_expect.hpp"
#include "core/io/task_group.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

TypeInfo http_step_info() {
    TypeInfo info;
    info.name = "http";
    info.doc =
        "Sends one HTTP request. Done when the answer is as expected; an answer that is not, is "
        "failed; no answer is unknown.";
    info.fields = {
        {.name = "method",
         .type = FieldType::choice,
         .doc = "Default: POST with a body, else GET.",
         .choices = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}},
        {.name = "url", .type = FieldType::url, .doc = "http or https.", .required = true},
        {.name = "headers", .type = FieldType::text_map, .doc = "Sent with the request."},
        {.name = "body", .type = FieldType::text, .doc = "Sent as it is."},
        {.name = "expect",
         .type = FieldType::object,
         .doc = "What the answer must be; default: a status of 2xx.",
         .fields = expect_fields()},
        {.name = "ca",
         .type = FieldType::path,
         .doc = "Trust this PEM file instead of the system's."},
    };
    info.problems = [](JsonObject const& params) {
        auto const* const expect = params.if_contains("expect");
        return expect == nullptr ? std::vector<Error>() : problems_of_expect(*expect);
    };
    return info;
}

constexpr std::size_t body_kept_max = 64 * 1024;
constexpr std::size_t body_judged_max = 1024 * 1024;  // where `expect` looks into it

Json expect_of(StepJob const& job) {
    auto const* const expect = job.step().params.if_contains("expect");
    return expect == nullptr ? Json() : *expect;
}

HttpRequest request_of(StepJob const& job) {
    HttpRequest request;
    request.url = job.text("url");
    request.method = job.text("method");
    request.body = job.text("body");
    if (request.method.empty()) request.method = request.body.empty() ? "GET" : "POST";
    for (auto const& [name, value] : job.map("headers")) request.headers.emplace_back(name, value);
    request.tls.ca_file = job.text("ca");
    request.timeout = job.left();
    request.body_max = needs_body(expect_of(job)) ? body_judged_max : body_kept_max;
    request.cut_body = true;
    return request;
}

/// A gateway's own answers say nothing about the server behind it.
bool is_from_a_gateway(unsigned status) { return status == 502 || status == 504 || status == 408; }

SupervisedEnd end_without_answer(StepJob const& job, NetFailure const& failure, bool stopping) {
    SupervisedEnd end;
    end.why = failure.reason();
    if (failure.fault == NetFault::cancelled && job.is_aborted()) {
        end.kind = EndKind::aborted;
    } else if (failure.fault == NetFault::cancelled && stopping) {
        // Also of one that may be repeated: whether it is, is not for a stop to say.
        end.kind = failure.sent ? EndKind::lost : EndKind::not_started;
        end.why = "the daemon was stopped before the answer came";
    } else {
        end.kind = failure.sent && !job.step().idempotent ? EndKind::lost : EndKind::not_started;
    }
    return end;
}

SupervisedEnd end_of(StepJob const& job, HttpResponse const& answer) {
    SupervisedEnd end;
    auto verdict = judge(expect_of(job), answer);
    bool const met = verdict.judgement == HttpJudgement::met;
    end.why = std::move(verdict.reason);
    end.kind = EndKind::exited;
    end.exit = met ? 0 : 1;
    if (!met && is_from_a_gateway(answer.status) && !job.step().idempotent) {
        end.kind = EndKind::lost;
    }
    end.stdout_text = answer.body.substr(0, body_kept_max);
    end.cut = answer.body_cut || answer.body.size() > body_kept_max;
    end.output = "status " + std::to_string(answer.status) + "\n" + end.stdout_text;
    return end;
}

/// The inline record again as an outcome, now or after a restart.
StepOutcome outcome_of_end(StepJob const& job, SupervisedEnd const& end) {
    auto outcome = job.outcome(end);
    outcome.exit.reset();
    auto const why = job.shown(end.why, StepJob::text_bytes_max);
    auto const output = job.shown(end.output, StepJob::text_bytes_max);
    switch (end.kind) {
        case EndKind::exited:
            if (!end.ok()) outcome.text = why + ": " + output;
            break;
        case EndKind::not_started:
            outcome.text = why;
            break;
        case EndKind::lost:
            outcome.text = "whether it took effect is unknown: " + why;
            break;
        default:
            break;
    }
    return outcome;
}

asio::awaitable<void> send(
    HttpClient& http, HttpRequest request, NetResult<HttpResponse>& answer, WakeUp& done
) {
    answer = co_await http.send(std::move(request));
    done.notify();
}

asio::awaitable<StepOutcome> run(StepJob& job) {
    if (job.is_remote()) {
        co_return outcome_of(
            OutcomeKind::failed, "http asks from this machine only; use exec with curl on a host"
        );
    }
    auto const directory = job.directory() + "/request";
    auto& launcher = job.parts().launcher;
    auto const earlier = co_await begin_inline(launcher, directory);
    if (earlier) co_return outcome_of_end(job, *earlier);
    NetResult<HttpResponse> answer = net_fail(NetFault::cancelled, "not asked");
    auto const& parts = job.parts();
    WakeUp done(parts.executor);
    TaskGroup group(parts.executor);
    group.spawn("http step", send(parts.http, request_of(job), answer, done));
    job.on_abort([&] {
        group.cancel();
        done.notify();
    });
    co_await done.wait();
    // Nobody but this process can wait for the answer, and a stop must not wait as long as a step
    // may take: it grants a moment, then gives the request up and says so.
    bool const stopping = co_await is_cancelled();
    if (stopping && group.size() > 0) {
        co_await done.wait_for(parts.stop_patience);
        group.cancel();
    }
    co_await group.join();
    job.on_abort({});
    auto const end =
        answer ? end_of(job, *answer) : end_without_answer(job, answer.error(), stopping);
    auto outcome = outcome_of_end(job, end);
    // Without the record a restart would call it unknown, which is true then.
    (void)co_await end_inline(launcher, directory, end, stopping);
    co_return outcome;
}

std::string dry_run(Step const& step) {
    auto const params = Json(step.params);
    auto const body = text_of(params, "body");
    auto const method = text_of(params, "method", body.empty() ? "GET" : "POST");
    return "send " + method + " to " + text_of(params, "url");
}

}  // namespace

StepType http_step() {
    return {.info = http_step_info(), .run = run, .dry_run = dry_run, .effect = brings_anything};
}

}  // namespace rollbackd

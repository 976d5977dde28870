// http: one request, done when the answer is as expected.
#include "actions/steps/descriptor.hpp"
#include "core/io/http_client.hpp"
#include "core/io/task_group.hpp"

#include <algorithm>

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
         .fields =
             {{.name = "status", .type = FieldType::status, .doc = "200, \"2xx\", or a list."},
              {.name = "body", .type = FieldType::text, .doc = "Text the body must contain."},
              {.name = "json",
               .type = FieldType::any_map,
               .doc = "JSON pointer to the value that must stand there, type included."}}},
        {.name = "ca",
         .type = FieldType::path,
         .doc = "Trust this PEM file instead of the system's."},
    };
    return info;
}

constexpr std::size_t body_kept_max = 64 * 1024;

/// A status as configuration allows it: 200, "2xx", or a list of those.
bool status_matches(Json const& wanted, unsigned status) {
    if (auto const* const list = wanted.if_array()) {
        return std::any_of(list->begin(), list->end(), [&](Json const& one) {
            return status_matches(one, status);
        });
    }
    if (wanted.is_number()) return wanted.to_number<double>() == static_cast<double>(status);
    auto const* const text = wanted.if_string();
    auto const shown = std::to_string(status);
    if (text == nullptr || text->size() != shown.size()) return false;
    for (std::size_t i = 0; i < shown.size(); ++i) {
        if ((*text)[i] != shown[i] && (*text)[i] != 'x' && (*text)[i] != 'X') return false;
    }
    return true;
}

bool same_value(Json const& wanted, Json const& found) {
    if (wanted.is_number() && found.is_number()) {
        return wanted.to_number<double>() == found.to_number<double>();
    }
    return wanted == found;
}

/// Why the answer is not as expected; empty: it is.
std::string objection(Json const& expect, HttpResponse const& answer) {
    auto const* const status = find(expect, "status");
    bool const status_set = status != nullptr && !status->is_null();
    bool const good =
        status_set ? status_matches(*status, answer.status) : answer.status / 100 == 2;
    if (!good) return "status " + std::to_string(answer.status);
    auto const body = text_of(expect, "body");
    if (answer.body.find(body) == std::string::npos) return "the body lacks \"" + body + "\"";
    auto const* const members = find(expect, "json");
    if (members == nullptr || !members->is_object() || members->get_object().empty()) return {};
    auto const parsed = parse_json(answer.body);
    if (!parsed) return "the body is no JSON";
    for (auto const& [pointer, wanted] : members->get_object()) {
        auto const* const found = find_pointer(*parsed, pointer);
        if (found == nullptr) return std::string(pointer) + " is missing";
        if (!same_value(wanted, *found)) {
            return std::string(pointer) + " is " + to_text(*found) + ", not " + to_text(wanted);
        }
    }
    return {};
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
    request.body_max = body_kept_max;
    request.cut_body = true;
    return request;
}

/// A gateway's own answers say nothing about the server behind it.
bool is_from_a_gateway(unsigned status) { return status == 502 || status == 504 || status == 408; }

SupervisedEnd end_of(StepJob const& job, NetResult<HttpResponse> const& answer) {
    SupervisedEnd end;
    if (!answer) {
        bool const sent = answer.error().sent && !job.step().idempotent;
        end.kind = sent ? EndKind::lost : EndKind::not_started;
        if (answer.error().fault == NetFault::cancelled && job.is_aborted())
            end.kind = EndKind::aborted;
        end.why = answer.error().reason();
        return end;
    }
    auto const* const expect = job.step().params.if_contains("expect");
    end.why = objection(expect == nullptr ? Json() : *expect, *answer);
    end.kind = EndKind::exited;
    end.exit = end.why.empty() ? 0 : 1;
    if (!end.why.empty() && is_from_a_gateway(answer->status) && !job.step().idempotent) {
        end.kind = EndKind::lost;
    }
    end.stdout_text = answer->body;
    end.output = "status " + std::to_string(answer->status) + "\n" + answer->body;
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

asio::awaitable<void> send(HttpClient& http, HttpRequest request, NetResult<HttpResponse>& answer) {
    answer = co_await http.send(std::move(request));
}

asio::awaitable<StepOutcome> run(StepJob& job) {
    if (job.is_remote()) {
        co_return outcome_of(
            OutcomeKind::failed, "http asks from this machine only; use exec with curl on a host"
        );
    }
    auto const directory = job.directory() + "/request";
    if (auto const earlier = begin_inline(directory)) co_return outcome_of_end(job, *earlier);
    // It runs to its own end, a stop of the daemon included; only abort ends it early.
    NetResult<HttpResponse> answer = net_fail(NetFault::cancelled, "not asked");
    TaskGroup group(job.parts().executor);
    group.spawn("http step", send(job.parts().http, request_of(job), answer));
    job.on_abort([&group] { group.cancel(); });
    co_await group.join();
    job.on_abort({});
    auto const end = end_of(job, answer);
    auto outcome = outcome_of_end(job, end);
    // Without the record a restart would call it unknown, which is true then.
    (void)end_inline(directory, end);
    co_return outcome;
}

std::string dry_run(Step const& step) {
    auto const params = Json(step.params);
    auto const body = text_of(params, "body");
    auto const method = text_of(params, "method", body.empty() ? "GET" : "POST");
    return "send " + method + " to " + text_of(params, "url");
}

}  // namespace

StepType http_step() { return {.info = http_step_info(), .run = run, .dry_run = dry_run}; }

}  // namespace rollbackd

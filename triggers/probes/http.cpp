// http: one request, judged by status, body text and JSON members. A state signal; its latency is
// the whole request's, redirects included.
#include "core/io/http_client.hpp"
#include "core/io/http_expect.hpp"
#include "core/io/secrets.hpp"
#include "triggers/probes/answers.hpp"
#include "triggers/probes/http_ask.hpp"
#include "triggers/probes/types.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

constexpr std::size_t body_read_max = 1024 * 1024;         // where expect looks into it
constexpr std::size_t body_skipped_max = 8 * 1024 * 1024;  // where only the status counts

TypeInfo http_info() {
    TypeInfo info;
    info.name = "http";
    info.doc =
        "Sends one HTTP request and judges the answer; or measures how long a part of that took.";
    info.is_probe = true;
    info.fields = http_request_fields("http:// or https://; ${ENV} is filled in when asked.");
    std::vector<Field> const own{
        {.name = "method",
         .type = FieldType::choice,
         .doc = "The request's method.",
         .otherwise = "GET",
         .choices = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}},
        {.name = "body", .type = FieldType::text, .doc = "Sent as it is."},
        {.name = "expect",
         .type = FieldType::object,
         .doc = "What a good answer is; without it: a status of 2xx.",
         .fields = expect_fields()},
        {.name = "connection",
         .type = FieldType::choice,
         .doc = "fresh: a new one for each question, as a client that comes along makes it; keep: "
                "the last one as long as the server keeps it open, and a new one then. Only for "
                "GET, HEAD and OPTIONS.",
         .otherwise = "fresh",
         .choices = {"fresh", "keep"}},
        {.name = "measure",
         .type = FieldType::choice,
         .doc = "A gauge of seconds instead of a state: the whole request, or of its last hop the "
                "look-up of the name, the connection, the TLS handshake, the wait for the first "
                "byte. An answer that is not as expected has none.",
         .choices = {"total", "resolve", "connect", "tls", "first_byte"}},
    };
    info.fields.insert(info.fields.begin() + 1, own.begin(), own.end());
    return info;
}

std::optional<SignalNature> http_nature(JsonObject const& params) {
    return SignalNature{is_measured(params) ? "gauge" : "state", true};
}

std::vector<Error> check_http(JsonObject const& params) {
    auto problems = check_http_request(params);
    if (auto const* const expect = params.if_contains("expect")) {
        for (auto& problem : problems_of_expect(*expect)) problems.push_back(std::move(problem));
    }
    Json const all(params);
    if (text_of(all, "connection") != "keep") return problems;
    auto const method = text_of(all, "method", "GET");
    if (method != "GET" && method != "HEAD" && method != "OPTIONS") {
        problems.push_back(wrong_field(
            "a " + method +
                " may not be sent twice, as a connection the server has closed would "
                "make necessary; leave it fresh",
            "connection"
        ));
    }
    auto const measure = text_of(all, "measure");
    if (measure == "resolve" || measure == "connect" || measure == "tls") {
        problems.push_back(wrong_field(
            "a connection that is kept is not made anew: measure total or first_byte, or leave it "
            "fresh",
            "connection"
        ));
    }
    return problems;
}

Duration phase_of(HttpTimings const& timings, std::string_view measure) {
    if (measure == "resolve") return timings.resolve;
    if (measure == "connect") return timings.connect;
    if (measure == "tls") return timings.tls;
    if (measure == "first_byte") return timings.first_byte;
    return timings.total;
}

class HttpProbe final : public Probe {
public:
    HttpProbe(SignalPolicy const& signal, ProbeContext const& context)
        : params_(signal.params), context_(context) {
        if (auto const* const expect = find(params_, "expect")) expect_ = *expect;
        measure_ = text_of(params_, "measure");
        if (text_of(params_, "connection") == "keep") keeper_ = make_http_keeper();
    }

    asio::awaitable<ProbeAnswer> ask(Duration timeout) override {
        auto request = make_request(timeout);
        if (!request) {
            ProbeAnswer none;
            none.note = to_string(request.error());
            co_return none;
        }
        auto const response = co_await context_.http.send(std::move(*request));
        co_return response ? judged(*response) : failed(response.error(), timeout);
    }

private:
    Result<HttpRequest> make_request(Duration timeout) {
        auto request = make_http_request(params_.get_object(), context_.secrets, timeout);
        if (!request) return request;
        auto body = context_.secrets.expand(text_of(params_, "body"));
        if (!body) return tl::unexpected<Error>(body.error());
        request->body = std::move(*body);
        request->method = text_of(params_, "method", "GET");
        request->keeper = keeper_;
        request->discard_body = !needs_body(expect_);
        request->body_max = request->discard_body ? body_skipped_max : body_read_max;
        return request;
    }

    ProbeAnswer judged(HttpResponse const& response) const {
        auto verdict = judge(expect_, response);
        auto reason = context_.secrets.redact(verdict.reason);
        if (!measure_.empty()) return measured(response, verdict.judgement, reason);
        ProbeAnswer answer;
        if (verdict.judgement == HttpJudgement::unknown) {
            answer.value = UnknownValue{std::move(reason)};
        } else {
            bool const ok = verdict.judgement == HttpJudgement::met;
            answer.value = StateValue{ok, std::move(reason), response.timings.total};
        }
        return answer;
    }

    ProbeAnswer measured(
        HttpResponse const& response, HttpJudgement judgement, std::string const& reason
    ) const {
        if (judgement != HttpJudgement::met) return unknown_answer(reason);
        auto const took = phase_of(response.timings, measure_);
        return number_answer(std::chrono::duration<double>(took).count());
    }

    ProbeAnswer failed(NetFailure const& failure, Duration timeout) const {
        ProbeAnswer answer;
        auto reason = context_.secrets.redact(failure.reason());
        if (is_our_own(failure.fault) || !measure_.empty()) {
            answer.note = std::move(reason);
        } else {
            auto const latency = failure.fault == NetFault::timeout ? timeout : Duration::zero();
            answer.value = StateValue{false, std::move(reason), latency};
        }
        return answer;
    }

    Json params_;
    Json expect_;
    std::string measure_;
    std::shared_ptr<HttpKeeper> keeper_;  // null: a fresh connection each time
    ProbeContext context_;
};

std::unique_ptr<Probe> make_http(SignalPolicy const& signal, ProbeContext const& context) {
    return std::make_unique<HttpProbe>(signal, context);
}

}  // namespace

ProbeType http_probe() { return ProbeType{http_info(), &check_http, &make_http, &http_nature}; }

}  // namespace rollbackd

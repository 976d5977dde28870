// http: one request, judged by status, body text and JSON members. A state signal; its latency is
// the whole request's, redirects included.
#include "core/io/http_client.hpp"
#include "core/io/http_expect.hpp"
#include "core/io/secrets.hpp"
#include "triggers/probes/types.hpp"

#include <boost/url/parse.hpp>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

constexpr std::size_t body_read_max = 1024 * 1024;         // where expect looks into it
constexpr std::size_t body_skipped_max = 8 * 1024 * 1024;  // where only the status counts
constexpr double redirects_limit = 20;

TypeInfo http_info() {
    TypeInfo info;
    info.name = "http";
    info.doc = "Sends one HTTP request on a fresh connection and judges the answer.";
    info.kind = "state";
    info.is_probe = true;
    info.fields = {
        {.name = "url",
         .type = FieldType::url,
         .doc = "http:// or https://; ${ENV} is filled in when asked.",
         .required = true},
        {.name = "method",
         .type = FieldType::choice,
         .doc = "The request's method.",
         .otherwise = "GET",
         .choices = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}},
        {.name = "headers", .type = FieldType::text_map, .doc = "Sent with the request."},
        {.name = "body", .type = FieldType::text, .doc = "Sent as it is."},
        {.name = "expect",
         .type = FieldType::object,
         .doc = "What a good answer is; without it: a status of 2xx.",
         .fields =
             {{.name = "status",
               .type = FieldType::status,
               .doc = "200, 2xx, or a list of those; absent: 2xx."},
              {.name = "body", .type = FieldType::text, .doc = "Text the body must contain."},
              {.name = "json",
               .type = FieldType::any_map,
               .doc = "JSON pointers (RFC 6901) and the value, type included, that must stand "
                      "there. A member that is not there makes the sample unknown."}}},
        {.name = "ca",
         .type = FieldType::path,
         .doc = "Trust the CA certificates of this PEM file instead of the system's."},
        {.name = "redirects",
         .type = FieldType::integer,
         .doc = "Redirects to follow; 0: a redirect is the answer.",
         .otherwise = 0,
         .min = 0,
         .max = redirects_limit},
    };
    return info;
}

std::vector<Error> check_http(JsonObject const& params) {
    std::vector<Error> problems;
    auto const url = text_of(Json(params), "url");
    bool const later = Secrets::has_reference(url);
    bool const web = url.starts_with("http://") || url.starts_with("https://");
    if (!later && (!web || !boost::urls::parse_uri(url))) {
        problems.push_back(
            Error{Errc::invalid, "expected a URL like https://example.com/health", "url"}
        );
    }
    if (auto const* const expect = params.if_contains("expect")) {
        for (auto& what : problems_of_expect(*expect)) {
            problems.push_back(Error{Errc::invalid, std::move(what), "expect.json"});
        }
    }
    return problems;
}

class HttpProbe final : public Probe {
public:
    HttpProbe(SignalPolicy const& signal, ProbeContext const& context)
        : params_(signal.params), context_(context) {
        if (auto const* const expect = find(params_, "expect")) expect_ = *expect;
        auto const* const redirects = find(params_, "redirects");
        if (redirects && redirects->is_number()) redirects_max_ = redirects->to_number<unsigned>();
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
        HttpRequest request;
        auto url = context_.secrets.expand(text_of(params_, "url"));
        if (!url) return tl::unexpected<Error>(url.error());
        auto body = context_.secrets.expand(text_of(params_, "body"));
        if (!body) return tl::unexpected<Error>(body.error());
        if (auto const* const headers = find(params_, "headers"); headers && headers->is_object()) {
            for (auto const& [name, value] : headers->get_object()) {
                if (!value.is_string()) continue;
                auto filled = context_.secrets.expand(std::string_view(value.get_string()));
                if (!filled) return tl::unexpected<Error>(filled.error());
                request.headers.emplace_back(std::string(name), std::move(*filled));
            }
        }
        request.url = std::move(*url);
        request.body = std::move(*body);
        request.method = text_of(params_, "method", "GET");
        request.timeout = timeout;
        request.redirects_max = redirects_max_;
        request.tls.ca_file = text_of(params_, "ca");
        request.discard_body = !needs_body(expect_);
        request.body_max = request.discard_body ? body_skipped_max : body_read_max;
        return request;
    }

    ProbeAnswer judged(HttpResponse const& response) const {
        auto verdict = judge(expect_, response);
        auto reason = context_.secrets.redact(verdict.reason);
        ProbeAnswer answer;
        if (verdict.judgement == HttpJudgement::unknown) {
            answer.value = UnknownValue{std::move(reason)};
        } else {
            bool const ok = verdict.judgement == HttpJudgement::met;
            answer.value = StateValue{ok, std::move(reason), response.timings.total};
        }
        return answer;
    }

    ProbeAnswer failed(NetFailure const& failure, Duration timeout) const {
        ProbeAnswer answer;
        auto reason = context_.secrets.redact(failure.reason());
        if (is_our_own(failure.fault)) {
            answer.note = std::move(reason);
        } else {
            auto const latency = failure.fault == NetFault::timeout ? timeout : Duration::zero();
            answer.value = StateValue{false, std::move(reason), latency};
        }
        return answer;
    }

    Json params_;
    Json expect_;
    unsigned redirects_max_ = 0;
    ProbeContext context_;
};

std::unique_ptr<Probe> make_http(SignalPolicy const& signal, ProbeContext const& context) {
    return std::make_unique<HttpProbe>(signal, context);
}

}  // namespace

ProbeType http_probe() { return ProbeType{http_info(), &check_http, &make_http}; }

}  // namespace rollbackd

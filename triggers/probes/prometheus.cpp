// prometheus: a PromQL expression asked of a server's HTTP API, as one number. Rates, quantiles and
// ratios are the server's business; ours is that an answer which is none stays unknown.
#include "core/io/secrets.hpp"
#include "triggers/probes/answers.hpp"
#include "triggers/probes/http_ask.hpp"
#include "triggers/probes/prometheus_answer.hpp"
#include "triggers/probes/types.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

constexpr std::string_view query_path = "/api/v1/query";
constexpr std::size_t answer_bytes_max = 1024 * 1024;

TypeInfo prometheus_info() {
    TypeInfo info;
    info.name = "prometheus";
    info.doc = "Asks a Prometheus server, or one that speaks its HTTP API, for one number.";
    info.kind = "gauge";
    info.is_probe = true;
    info.fields = http_request_fields(
        "The server, as http://127.0.0.1:9090; /api/v1/query is added. ${ENV} is filled in when "
        "asked."
    );
    Field const query{
        .name = "query",
        .type = FieldType::text,
        .doc =
            "PromQL that gives one number. No result is unknown: write `or vector(0)` where that "
            "means 0.",
        .required = true
    };
    info.fields.insert(info.fields.begin() + 1, query);
    return info;
}

std::vector<Error> check_prometheus(JsonObject const& params) {
    auto problems = check_http_request(params);
    if (text_of(Json(params), "query").find_first_not_of(" \t\r\n") == std::string::npos) {
        problems.push_back(wrong_field("the query is empty", "query"));
    }
    return problems;
}

std::string form_encoded(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (char const c : text) {
        bool const plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        auto const byte = static_cast<unsigned char>(c);
        if (plain) {
            out += c;
        } else {
            out += '%';
            out += digits[byte >> 4U];
            out += digits[byte & 15U];
        }
    }
    return out;
}

class PrometheusProbe final : public Probe {
public:
    PrometheusProbe(SignalPolicy const& signal, ProbeContext const& context)
        : params_(signal.params),
          query_(text_of(Json(signal.params), "query")),
          context_(context) {}

    asio::awaitable<ProbeAnswer> ask(Duration timeout) override {
        auto request = make_http_request(params_, context_.secrets, timeout);
        if (!request) co_return unknown_answer(to_string(request.error()));
        while (request->url.ends_with('/')) request->url.pop_back();
        request->url += query_path;
        request->method = "POST";  // an expression may be longer than a URL
        request->headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
        request->body = "query=" + form_encoded(query_) + "&timeout=" + seconds(timeout);
        request->body_max = answer_bytes_max;
        auto const response = co_await context_.http.send(std::move(*request));
        if (!response) co_return unknown_answer(context_.secrets.redact(response.error().reason()));
        auto const number = prometheus_number(response->status, response->body);
        if (!number) co_return unknown_answer(context_.secrets.redact(number.error().what));
        co_return number_answer(*number);
    }

private:
    static std::string seconds(Duration timeout) {
        auto const whole = std::chrono::duration_cast<std::chrono::milliseconds>(timeout);
        return std::to_string(std::max<std::int64_t>(whole.count(), 1)) + "ms";
    }

    JsonObject params_;
    std::string query_;
    ProbeContext context_;
};

std::unique_ptr<Probe> make_prometheus(SignalPolicy const& signal, ProbeContext const& context) {
    return std::make_unique<PrometheusProbe>(signal, context);
}

}  // namespace

ProbeType prometheus_probe() {
    return ProbeType{prometheus_info(), &check_prometheus, &make_prometheus};
}

}  // namespace rollbackd

// scrape: an application's own /metrics. Counters by label are outcomes, told as what was added
// since the last look; a gauge is a number; a histogram is a quantile of what was observed
// meanwhile. Metrics that cannot be had say nothing of the application: unknown.
#include "core/io/clock.hpp"
#include "core/io/secrets.hpp"
#include "triggers/probes/answers.hpp"
#include "triggers/probes/http_ask.hpp"
#include "triggers/probes/scrape_rules.hpp"
#include "triggers/probes/types.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

std::vector<Field> metric_fields() {
    return {
        {.name = "counter",
         .type = FieldType::text,
         .doc = "Name of the counter whose growth is outcomes: http_requests_total."},
        {.name = "gauge", .type = FieldType::text, .doc = "Name of the gauge that is the number."},
        {.name = "histogram",
         .type = FieldType::text,
         .doc = "Name of the histogram, without _bucket, whose `quantile` is the number."},
        {.name = "match",
         .type = FieldType::text_map,
         .doc = "Only series whose labels have these values: a text, a class like 5xx, or `~` and "
                "an RE2 expression for the whole value."},
        {.name = "fail",
         .type = FieldType::text_map,
         .doc = "Of counter: series with these labels fail. Absent: 5xx of the label code, status, "
                "status_code or http_status_code."},
        {.name = "neutral",
         .type = FieldType::text_map,
         .doc =
             "Of counter: series with these labels neither succeed nor fail. Absent: 1xx and 4xx, "
             "where fail is absent, too."},
        {.name = "failures",
         .type = FieldType::text,
         .doc = "Of counter: name of a second counter of failures; `counter` then counts all."},
        {.name = "affected",
         .type = FieldType::text,
         .doc = "Of counter: the label whose values affected() counts, each once: the handler, the "
                "customer."},
        {.name = "combine",
         .type = FieldType::choice,
         .doc = "Of gauge: what several series make together; one: there must be only one.",
         .otherwise = "one",
         .choices = {"one", "sum", "min", "max", "avg"}},
        {.name = "quantile",
         .type = FieldType::number,
         .doc = "Of histogram: 0.95 is the 95th percentile.",
         .otherwise = 0.95,
         .min = 0,
         .max = 1},
    };
}

TypeInfo scrape_info() {
    TypeInfo info;
    info.name = "scrape";
    info.doc =
        "Reads an application's own metrics in Prometheus' text format: a counter as outcomes, a "
        "gauge, or a quantile of a histogram.";
    info.is_probe = true;
    info.fields = http_request_fields("Of the metrics; ${ENV} is filled in when asked.");
    for (auto& field : metric_fields()) info.fields.push_back(std::move(field));
    info.one_of = {{"counter", "gauge", "histogram"}};
    return info;
}

std::optional<SignalNature> scrape_nature(JsonObject const& params) {
    return SignalNature{params.contains("counter") ? "outcomes" : "gauge", true};
}

std::vector<Error> check_scrape(JsonObject const& params) {
    auto problems = check_http_request(params);
    auto const rules = ScrapeRules::make(params, "");
    if (!rules) problems.push_back(rules.error());
    auto const add = [&](std::string what, std::string where) {
        problems.push_back(wrong_field(std::move(what), std::move(where)));
    };
    for (auto const* const key : {"fail", "neutral", "failures", "affected"}) {
        if (params.contains(key) && !params.contains("counter")) {
            add(std::string(key) + " is of a counter", key);
        }
    }
    if (params.contains("fail") && params.contains("failures")) {
        add("fail and failures both say what has failed; keep one", "failures");
    }
    return problems;
}

class ScrapeProbe final : public Probe {
public:
    ScrapeProbe(SignalPolicy const& signal, ScrapeRules rules, ProbeContext const& context)
        : params_(signal.params),
          rules_(std::move(rules)),
          totals_(rules_.identity(), signal.stale_after.value_or(std::chrono::minutes(1))),
          context_(context) {}

    asio::awaitable<ProbeAnswer> ask(Duration timeout) override {
        auto request = make_http_request(params_, context_.secrets, timeout);
        if (!request) co_return unknown_answer(to_string(request.error()));
        request->headers.emplace_back("Accept", "text/plain;version=0.0.4");
        request->body_max = source_body_max;
        auto const begun = context_.clock.now();
        auto const response = co_await fetch(context_, std::move(*request));
        if (!response) co_return unknown_answer(response.error().what);
        auto answer = rules_.read(response->body, begun.wall, totals_);
        if (!answer) co_return unknown_answer(context_.secrets.redact(answer.error().what));
        co_return *std::move(answer);
    }

    Json save() const override { return totals_.save(); }
    void resume(Json const& saved) override { totals_.resume(saved); }

private:
    JsonObject params_;
    ScrapeRules rules_;
    Totals totals_;
    ProbeContext context_;
};

std::unique_ptr<Probe> make_scrape(SignalPolicy const& signal, ProbeContext const& context) {
    auto rules = ScrapeRules::make(signal.params, signal.by);  // checked before
    return std::make_unique<ScrapeProbe>(signal, *std::move(rules), context);
}

}  // namespace

ProbeType scrape_probe() {
    return ProbeType{scrape_info(), &check_scrape, &make_scrape, &scrape_nature};
}

}  // namespace rollbackd

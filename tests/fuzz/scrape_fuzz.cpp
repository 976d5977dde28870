// Any text as metrics, as the answer of Prometheus' API, and as a JSON API's: numbers that are
// finite, counts that never shrink, or an error that says why.
#include "core/ensure.hpp"
#include "core/io/url.hpp"
#include "tests/fuzz/entries.hpp"
#include "triggers/probes/json_pages.hpp"
#include "triggers/probes/json_rules.hpp"
#include "triggers/probes/prometheus_answer.hpp"
#include "triggers/probes/scrape_rules.hpp"

#include <cmath>

using namespace rollbackd;

namespace {

void check(Result<ProbeAnswer> const& answer) {
    if (!answer) {
        ensure(!answer.error().what.empty(), "a refusal says why");
        return;
    }
    if (!answer->value) return;
    auto const* const gauge = std::get_if<GaugeValue>(&*answer->value);
    ensure(gauge == nullptr || std::isfinite(gauge->value), "a number is finite");
}

JsonObject object(char const* text) { return parse_json(text)->get_object(); }

}  // namespace

int rollbackd::fuzz::scrape(std::uint8_t const* data, std::size_t size) {
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    WallTime const now(std::chrono::hours(24 * 365 * 56));
    auto const half = text.substr(0, size / 2);
    for (auto const* const params :
         {R"({"counter":"a_total"})", R"({"counter":"a_total","fail":{"code":"~5.."}})",
          R"({"gauge":"a","combine":"avg"})", R"({"histogram":"a","quantile":0.9})"}) {
        auto const rules = ScrapeRules::make(object(params), "by").value();
        Totals totals(rules.identity(), std::chrono::minutes(1));
        check(rules.read(half, now, totals));
        check(rules.read(text, now, totals));
    }
    for (auto const* const params :
         {R"({"value":"/a"})", R"({"items":"/a","oldest":"/at"})",
          R"({"success":"/a","totals":true})",
          R"({"items":"","fail":{"/ok":false},"id":"/id","at":"/at"})",
          R"({"items":"/a","success":"/ok","failure":"/bad","totals":true})"}) {
        for (auto const* const by : {"by", "#", "by?p"}) {
            auto const rules = JsonRules::make(object(params), by).value();
            Totals totals(rules.identity(), std::chrono::minutes(1));
            check(rules.read(text, now, totals));
            check(rules.read(text, now + std::chrono::seconds(1), totals));
        }
    }
    for (auto const* const params :
         {R"({"items":"/a","next":"/next"})",
          R"({"items":"/a","cursor":{"parameter":"p","item":"/id","more":"/more"}})"}) {
        auto const pages = JsonPages::make(object(params)).value();
        auto const body = parse_json(text);
        if (!body) break;
        std::string const url = "https://api.example.com/v1?limit=1";
        auto const next = pages.next(url, url, *body);
        if (!next || !*next) continue;
        auto const there = parse_url(**next);
        bool const ours = there && there->secure && there->host == "api.example.com";
        ensure(ours, "pages lie with us");
    }
    if (auto const number = prometheus_number(200, text)) ensure(std::isfinite(*number), "finite");
    return 0;
}

// Any body of Alertmanager's webhook, as the API reads it: alerts, or an error that says where; and
// whatever fires goes into a table and comes out of its saved form as it was.
#include "api/contract.hpp"
#include "api/routes.hpp"
#include "core/ensure.hpp"
#include "tests/fuzz/entries.hpp"
#include "triggers/sources/alert_table.hpp"

using namespace rollbackd;

int rollbackd::fuzz::alerts(std::uint8_t const* data, std::size_t size) {
    std::string_view const body(reinterpret_cast<char const*>(data), size);
    api::Request request;
    request.method = "POST";
    ensure(api::set_target(request, "/v1/alerts").has_value(), "a path");
    request.endpoint = api::find_route(request).endpoint;
    request.body = body;
    if (api::contract().judge_body(request)) return 0;
    auto const notice = read_alerts(request.json);
    if (!notice) {
        ensure(!notice.error().what.empty(), "a refusal says why");
        return 0;
    }
    SignalPolicy signal;
    signal.name = "prom";
    signal.params["match"] = JsonObject{{"alertname", "~.*"}};
    Now const now{Instant(std::chrono::hours(1)), WallTime(std::chrono::hours(24 * 365 * 56))};
    auto table = AlertTable::make("shop", signal).value();
    auto const samples = table.take(*notice, true, now);
    if (!samples) return 0;
    for (auto const& sample : *samples) ensure(sample.at <= now.boot, "no sample is of the future");
    auto again = AlertTable::make("shop", signal).value();
    again.load(table.save(), now);
    ensure(again.firing() == table.firing(), "what fires is known over a restart");
    return 0;
}

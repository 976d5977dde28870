// Samples of a signal: read for plots, pushed by applications, notified by Alertmanager.
#include "api/contract.hpp"
#include "api/handlers.hpp"
#include "api/lookup.hpp"
#include "api/page.hpp"
#include "api/render.hpp"
#include "triggers/sources/alerts_parse.hpp"
#include "triggers/sources/push.hpp"

namespace rollbackd::api {

namespace {

constexpr std::size_t samples_shown_max = 1000;
constexpr Duration range_default = std::chrono::hours(1);

Result<Duration> range_of(Request const& request) {
    if (!request.query.contains("range")) return range_default;
    auto const range = parse_duration(request.query_value("range"));
    if (range && *range > Duration::zero()) return *range;
    return fail(Errc::invalid, "range must be longer than nothing, like 15m or 6h");
}

/// Malformed text is 400; text that is JSON but says the wrong thing is 422.
Response refuse_push(bool lines, Error const& error) {
    if (error.code != Errc::invalid) return refuse(error);
    if (lines && error.what.starts_with("not JSON")) return refuse(400, to_string(error));
    bool const member = !lines && !error.where.empty();
    return refuse(
        422, to_string(error),
        {Mistake{member ? error.what : to_string(error), member ? pointer_to(error.where) : ""}}
    );
}

Result<std::vector<Sample>> read_samples(
    Context& context, SignalPolicy const& signal, std::string const& service
) {
    auto const& request = context.request;
    auto const now = context.host.now();
    if (request.media_type() == lines_type) {
        auto const check = [&](Json const& line) { return contract().judge_line(request, line); };
        return read_push_lines(request.body, check, signal, service, now);
    }
    auto sample = read_push(request.json.as_object(), signal, service, now);
    if (!sample) return tl::unexpected<Error>(std::move(sample.error()));
    return std::vector<Sample>{*std::move(sample)};
}

}  // namespace

Response get_signal(Context& context) {
    auto service = find_service(context);
    if (!service) return std::move(service.refusal);
    auto signal = find_signal(context, *service);
    if (!signal) return std::move(signal.refusal);
    auto const range = range_of(context.request);
    if (!range) return refuse(range.error());

    auto const now = context.host.now();
    auto const* const window = context.engine().window(service->name, signal->name);
    JsonArray items;
    if (window != nullptr) {
        Range const wanted{now.boot - *range, now.boot};
        for (auto const& sample : window->recent(samples_shown_max, wanted)) {
            items.push_back(render_sample(sample, now));
        }
    }
    JsonObject body = render_signal(*signal, window, now).as_object();
    body["service"] = service->name;
    body["from"] = render_time(to_wall(now.boot - *range, now));
    body["to"] = render_time(now.wall);
    body["items"] = std::move(items);
    body["next"] = nullptr;
    return answer(body);
}

Response push_samples(Context& context) {
    auto service = find_service(context);
    if (!service) return std::move(service.refusal);
    auto signal = find_signal(context, *service);
    if (!signal) return std::move(signal.refusal);
    if (signal->type != "push" && signal->type != "heartbeat") {
        return refuse(
            409, "samples of " + signal->name + " come from its own " + signal->type +
                     " source; only push and heartbeat signals take them here"
        );
    }
    auto const& request = context.request;
    auto samples = read_samples(context, *signal, service->name);
    if (!samples) return refuse_push(request.media_type() == lines_type, samples.error());
    for (auto& sample : *samples) sample.trusted = request.trusted;
    auto const count = samples->size();
    if (auto const taken = context.host.ingest(*std::move(samples)); !taken) {
        return refuse(429, taken.error().what);
    }
    JsonObject body;
    body["accepted"] = count;
    return answer(body, 202);
}

Response post_alerts(Context& context) {
    auto const& request = context.request;
    auto const notice = read_alerts(request.json);
    if (!notice) return refuse(notice.error());
    auto const unmatched = context.host.alerts(*notice, request.trusted);
    if (!unmatched) return refuse(429, unmatched.error().what);
    JsonObject body;
    body["accepted"] = notice->alerts.size();
    body["unmatched"] = *unmatched;
    return answer(body, 202);
}

}  // namespace rollbackd::api

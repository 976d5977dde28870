// Any pushed body, of any kind, as one object and as lines, as the API reads it: samples in order
// of time, or an error that says where; what the document lets through never surprises.
#include "api/contract.hpp"
#include "api/routes.hpp"
#include "core/ensure.hpp"
#include "tests/fuzz/entries.hpp"
#include "triggers/sources/push.hpp"

#include <algorithm>

using namespace rollbackd;

namespace {

Result<std::vector<Sample>> read_body(
    std::string_view body, bool ndjson, SignalPolicy const& signal, Now now
) {
    api::Request request;
    request.method = "POST";
    ensure(api::set_target(request, "/v1/services/shop/signals/payments").has_value(), "a path");
    request.endpoint = api::find_route(request).endpoint;
    request.body = body;
    auto const check = [&](Json const& line) { return api::contract().judge_line(request, line); };
    if (ndjson) return read_push_lines(body, check, signal, "shop", now);
    if (auto const refusal = api::contract().judge_body(request)) {
        return fail(Errc::invalid, refusal->problem->detail);
    }
    auto sample = read_push(request.json.as_object(), signal, "shop", now);
    if (!sample) return tl::unexpected<Error>(sample.error());
    return std::vector<Sample>{*std::move(sample)};
}

}  // namespace

int rollbackd::fuzz::push(std::uint8_t const* data, std::size_t size) {
    if (size == 0) return 0;
    SignalPolicy signal;
    signal.name = "payments";
    signal.type = "push";
    signal.kind = static_cast<SignalKind>(data[0] % 4);
    signal.by = (data[0] & 4U) != 0 ? "provider" : "";
    std::string_view const body(reinterpret_cast<char const*>(data) + 1, size - 1);
    Now const now{Instant(std::chrono::hours(1)), WallTime(std::chrono::hours(24 * 365 * 56))};
    for (bool const ndjson : {false, true}) {
        auto const samples = read_body(body, ndjson, signal, now);
        if (!samples) {
            ensure(!samples.error().what.empty(), "a refusal says why");
            continue;
        }
        ensure(!samples->empty(), "a body that is taken holds a sample");
        ensure(
            std::is_sorted(
                samples->begin(), samples->end(),
                [](Sample const& a, Sample const& b) { return a.at < b.at; }
            ),
            "samples come in order of time"
        );
    }
    return 0;
}

// Any pushed body, of any kind, as one object and as lines: samples in order of time, or an error
// that says where; never a crash.
#include "core/ensure.hpp"
#include "tests/fuzz/entries.hpp"
#include "triggers/sources/push.hpp"

#include <algorithm>

using namespace rollbackd;

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
        auto const samples = parse_push(body, ndjson, signal, "shop", now);
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

// Any line of an access log: parsed, matched and turned into a sample without a crash, and only
// with what a sample may carry.
#include "core/ensure.hpp"
#include "tests/fuzz/entries.hpp"
#include "triggers/sources/access_log_match.hpp"

#include <cmath>

using namespace rollbackd;

namespace {

AccessLogReader make_reader(char const* params) {
    SignalPolicy signal;
    signal.name = "requests";
    signal.type = "access_log";
    signal.by = "provider";
    signal.params = parse_json(params)->as_object();
    auto reader = AccessLogReader::make("shop", signal);
    ensure(reader.has_value(), "these parameters are valid");
    return std::move(*reader);
}

}  // namespace

int rollbackd::fuzz::access_log(std::uint8_t const* data, std::size_t size) {
    static AccessLogReader const any = make_reader("{}");
    static AccessLogReader const some = make_reader(
        R"json({"match":{"path":"^/w/(?P<provider>[a-z]+)","query":"a=","host":"*.example.com"}})json"
    );
    static AccessLogReader const own = make_reader(
        R"json({"pattern":"^(?P<client>\\S+)[ |](?P<time>[^|]*)[ |](?P<request>[^|]*)[ |](?P<status>\\d+)[ |]?(?P<latency>[^|]*)[ |]?(?P<id>.*)","id":"id"})json"
    );
    static AccessLogReader const slow = make_reader(
        R"json({"measure":"latency","latency_unit":"ms","keys":{"id":"/event/id","latency":"took"}})json"
    );
    static AccessLogReader const host = make_reader(R"json({"format":"vhost_combined"})json");
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    Now const now{Instant(std::chrono::hours(1)), WallTime(std::chrono::hours(24 * 365 * 56))};
    for (auto const* reader : {&any, &some, &own, &slow, &host}) {
        Sample sample;
        if (reader->read(text, now, sample) != LineFate::sample) continue;
        ensure(sample.client.size() <= by_bytes_max, "a client's name is bounded");
        ensure(sample.id.size() <= id_bytes_max, "an event's id is bounded");
        if (reader == &slow) {
            auto const seconds = std::get<GaugeValue>(sample.value).value;
            ensure(std::isfinite(seconds) && seconds >= 0, "a latency is a length of time");
            continue;
        }
        auto const& counts = std::get<OutcomesValue>(sample.value);
        ensure(counts.success + counts.failure + counts.neutral == 1, "a line counts once");
        ensure(counts.reason.size() <= 1024, "a reason is bounded");
    }
    return 0;
}

#include "triggers/sources/redis_entry.hpp"

#include "core/names.hpp"

#include <charconv>

namespace rollbackd {

namespace {

constexpr std::size_t key_bytes_max = 256;
constexpr std::size_t reason_bytes_max = 200;
constexpr std::uint64_t milliseconds_max = 100'000'000'000'000;  // what a WallTime holds, and more

std::optional<std::uint64_t> whole(std::string_view text) {
    std::uint64_t number = 0;
    auto const [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::string field(StreamFields const& fields, std::string_view name) {
    auto const found = fields.find(name);
    return found == fields.end() ? std::string() : found->second;
}

Result<OutcomesValue> outcome_of(StreamFields const& fields) {
    OutcomesValue value;
    auto const ok = field(fields, "ok");
    if (ok == "true" || ok == "1") {
        value.success = 1;
        return value;
    }
    if (ok == "false" || ok == "0") {
        value.failure = 1;
        return value;
    }
    auto const success = fields.find("success");
    auto const failure = fields.find("failure");
    if (!ok.empty() || (success == fields.end() && failure == fields.end())) {
        return fail(Errc::invalid, "expected ok, or success and failure");
    }
    auto const good = success == fields.end() ? std::uint64_t(0) : whole(success->second);
    auto const bad = failure == fields.end() ? std::uint64_t(0) : whole(failure->second);
    if (!good || !bad) return fail(Errc::invalid, "success and failure are whole numbers");
    value.success = *good;
    value.failure = *bad;
    return value;
}

}  // namespace

std::optional<StreamId> parse_stream_id(std::string_view text) {
    auto const dash = text.find('-');
    auto const milliseconds = whole(text.substr(0, dash));
    auto const number =
        dash == std::string_view::npos ? std::uint64_t(0) : whole(text.substr(dash + 1));
    if (!milliseconds || !number) return std::nullopt;
    return StreamId{*milliseconds, *number};
}

Result<Sample> read_stream_entry(
    std::string const& id_text, StreamId const& id, StreamFields const& fields,
    SignalPolicy const& signal, std::string const& service, Now now
) {
    auto value = outcome_of(fields);
    if (!value) return tl::unexpected<Error>(value.error());
    value->reason = printable_line(field(fields, "reason"), reason_bytes_max);
    Sample sample;
    sample.service = service;
    sample.signal = signal.name;
    sample.value = *std::move(value);
    sample.id = field(fields, "id").substr(0, key_bytes_max);
    if (sample.id.empty()) sample.id = id_text;
    sample.client = field(fields, "client").substr(0, key_bytes_max);
    if (!signal.by.empty()) sample.by = printable(field(fields, signal.by), key_bytes_max);
    auto const at = field(fields, "at");
    if (!at.empty()) {
        auto const time = parse_rfc3339(at);
        if (!time) return fail(Errc::invalid, "at is no time like 2026-01-31T12:00:00Z");
        sample.at = to_instant(*time, now);
    } else {
        auto const since = std::chrono::milliseconds(std::min(id.milliseconds, milliseconds_max));
        sample.at = to_instant(WallTime(since), now);
    }
    return sample;
}

}  // namespace rollbackd

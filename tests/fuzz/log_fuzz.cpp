// Lines of any log, and the wrappings they come in. The first byte chooses: the journal's JSON, a
// container's frames, or a plain line.
#include "core/ensure.hpp"
#include "tests/fuzz/entries.hpp"
#include "triggers/sources/log_texts.hpp"

using namespace rollbackd;

namespace {

LogMatcher make_matcher() {
    SignalPolicy signal;
    signal.name = "log";
    signal.by = "pattern";
    JsonArray patterns;
    for (auto const& name : log_pattern_names()) patterns.push_back(to_json(name));
    signal.params["patterns"] = std::move(patterns);
    signal.params["fail"] = JsonArray{"declined|refused"};
    signal.params["ignore"] = JsonArray{"^#"};
    auto made = LogMatcher::make("shop", signal);
    ensure(made.has_value(), "these parameters are valid");
    return std::move(*made);
}

void read(RawLine const& line) {
    static LogMatcher const matcher = make_matcher();
    Now const now{Instant(std::chrono::hours(1)), WallTime(std::chrono::hours(24 * 365 * 56))};
    auto const sample = matcher.read(line, now);
    if (!sample) return;
    auto const& counts = std::get<OutcomesValue>(sample->value);
    ensure(counts.success + counts.failure == 1, "a line counts once");
    ensure(counts.reason.size() <= 1024, "a reason is bounded");
}

}  // namespace

int rollbackd::fuzz::log(std::uint8_t const* data, std::size_t size) {
    if (size == 0) return 0;
    std::string_view const text(reinterpret_cast<char const*>(data) + 1, size - 1);
    if (data[0] == 'j') {
        for (auto const& entry : parse_journal(text).lines) read(entry.line);
    } else if (data[0] == 'c') {
        for (auto const& line : parse_container_log(text).lines) {
            ensure(!unix_stamp(line.stamp).empty(), "a line's stamp is a time");
            read(line.line);
        }
    } else {
        RawLine line;
        line.text = text;
        read(line);
    }
    return 0;
}

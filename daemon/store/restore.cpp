#include "daemon/store/restore.hpp"

namespace rollbackd {

namespace {

constexpr std::size_t read_batch = 500;

std::string replay(Engine& engine, Journal const& journal) {
    while (true) {
        auto const records = journal.read(engine.state().seq + 1, read_batch);
        if (!records) return to_string(records.error());
        if (records->empty()) return {};
        for (auto const& record : *records) {
            if (auto applied = engine.replay(record); !applied) return to_string(applied.error());
        }
    }
}

}  // namespace

Json restore(Engine& engine, Journal const& journal, Now now, std::string& problem) {
    if (auto saved = journal.load_checkpoint(state_checkpoint); saved && *saved) {
        auto json = parse_json((*saved)->text);
        // A cache that cannot be read is left aside: the journal has everything.
        if (json) (void)engine.load_state(*json);
    }
    problem = replay(engine, journal);
    auto saved = journal.load_checkpoint(windows_checkpoint);
    if (!problem.empty() || !saved || !*saved) return JsonObject{};
    auto json = parse_json((*saved)->text);
    if (!json) return JsonObject{};
    auto const* const windows = find(*json, "windows");
    auto const* const offsets = find(*json, "offsets");
    if (windows != nullptr) (void)engine.load_windows(*windows, now);
    return offsets == nullptr ? Json(JsonObject{}) : *offsets;
}

}  // namespace rollbackd

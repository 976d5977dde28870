#include "daemon/checkpoints.hpp"

#include "engine/records.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {
constexpr std::string_view state_name = "state";
constexpr std::string_view windows_name = "windows";
constexpr std::size_t read_batch = 500;
}  // namespace

Checkpoints::Checkpoints(
    Engine& engine, Decider& decider, Journal& journal, BlockingPool& journal_thread,
    Reader& reader, Clock const& clock
)
    : engine_(engine),
      decider_(decider),
      journal_(journal),
      journal_thread_(journal_thread),
      reader_(reader),
      clock_(clock),
      state_saved_(engine.state().seq) {}

Json Checkpoints::restore(Engine& engine, Journal& journal, Now now, std::string& problem) {
    if (auto saved = journal.load_checkpoint(state_name); saved && *saved) {
        auto json = parse_json((*saved)->text);
        // A cache that cannot be read is left aside: the journal has everything.
        if (json) (void)engine.load_state(*json);
    }
    while (problem.empty()) {
        auto records = journal.read(engine.state().seq + 1, read_batch);
        if (!records) {
            problem = to_string(records.error());
            break;
        }
        if (records->empty()) break;
        for (auto const& record : *records) {
            if (auto body = read_body(record); !body) {
                problem = to_string(body.error());
                break;
            }
            engine.apply(record);
        }
    }
    auto saved = journal.load_checkpoint(windows_name);
    if (!problem.empty() || !saved || !*saved) return JsonObject{};
    auto json = parse_json((*saved)->text);
    if (!json) return JsonObject{};
    auto const* const windows = find(*json, "windows");
    auto const* const offsets = find(*json, "offsets");
    if (windows != nullptr) (void)engine.load_windows(*windows, now);
    return offsets == nullptr ? Json(JsonObject{}) : *offsets;
}

asio::awaitable<void> Checkpoints::run() {
    while (co_await sleep_for(every)) {
        if (co_await is_cancelled()) break;
        bool const records = engine_.state().seq - state_saved_ >= state_after_records;
        // While the journal cannot be written this is also how we notice that it can again.
        bool const probe = !decider_.writable();
        if (decider_.samples_seen() == samples_saved_ && !records && !probe) continue;
        co_await save(records);
    }
}

asio::awaitable<void> Checkpoints::save_perceived() { co_await save(false); }

asio::awaitable<void> Checkpoints::save_all() { co_await save(true); }

asio::awaitable<void> Checkpoints::save(bool with_state) {
    auto const seq = engine_.state().seq;
    auto const hash = engine_.state().hash;
    if (seq == 0) co_return;
    auto const samples = decider_.samples_seen();
    std::vector<Checkpoint> checkpoints;
    JsonObject perceived;
    perceived["windows"] = engine_.save_windows(clock_.now());
    perceived["offsets"] = reader_.save();
    checkpoints.push_back({std::string(windows_name), seq, hash, to_text(perceived)});
    if (with_state) {
        checkpoints.push_back({std::string(state_name), seq, hash, to_text(engine_.save_state())});
    }
    auto* const journal = &journal_;
    auto job = [journal, checkpoints = std::move(checkpoints)] {
        return journal->save_checkpoints(checkpoints);
    };
    auto saved = co_await run_blocking(journal_thread_, std::move(job));
    if (!saved) {
        decider_.note_journal(false, saved.error().what);
        co_return;
    }
    decider_.note_journal(true, "");
    samples_saved_ = samples;
    if (with_state) state_saved_ = seq;
}

}  // namespace rollbackd

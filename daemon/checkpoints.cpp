#include "daemon/checkpoints.hpp"

#include "core/io/task_group.hpp"
#include "daemon/store/restore.hpp"

namespace rollbackd {

namespace asio = boost::asio;

Checkpoints::Checkpoints(
    Engine& engine, Decider& decider, Journal& journal, BlockingPool& journal_thread,
    std::function<Json()> offsets, std::function<void(Json const&)> saved, Clock const& clock
)
    : engine_(engine),
      decider_(decider),
      journal_(journal),
      journal_thread_(journal_thread),
      offsets_(std::move(offsets)),
      saved_(std::move(saved)),
      clock_(clock) {}

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
    auto const offsets = offsets_();
    perceived["offsets"] = offsets;
    checkpoints.push_back({std::string(windows_checkpoint), seq, hash, to_text(perceived)});
    if (with_state) {
        checkpoints.push_back(
            {std::string(state_checkpoint), seq, hash, to_text(engine_.save_state())}
        );
    }
    auto* const journal = &journal_;
    auto job = [journal, checkpoints = std::move(checkpoints)] {
        return journal->save_checkpoints(checkpoints);
    };
    auto const written = co_await run_blocking(journal_thread_, std::move(job));
    if (!written) {
        decider_.note_journal(false, written.error().what);
        co_return;
    }
    decider_.note_journal(true, "");
    samples_saved_ = samples;
    saved_(offsets);
    if (with_state) state_saved_ = seq;
}

}  // namespace rollbackd

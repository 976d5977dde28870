// A journal in memory whose disk a test fills and empties.
#pragma once

#include "daemon/store/journal.hpp"

#include <atomic>

namespace rollbackd::testing {

class MemoryJournal final : public Journal {
public:
    std::atomic<bool> full = false;
    /// The next append goes in (or not) and nobody hears of it until the tail can be read again.
    enum class Unknown { no, written, lost };
    std::atomic<Unknown> unknown = Unknown::no;
    std::atomic<bool> deaf = false;

    Result<std::vector<Record>> append(
        std::span<RecordDraft const> drafts, Now now, std::string const& boot_id
    ) override {
        if (full) return fail(Errc::unavailable, "database or disk is full");
        auto const result = unknown.exchange(Unknown::no);
        if (result == Unknown::lost) return fail(Errc::timeout, "nobody knows");
        std::vector<Record> added;
        Tail tail{last_seq(), last_hash()};
        for (auto const& draft : drafts)
            added.push_back(chain_record(tail, draft, {now, boot_id, 1}));
        records.insert(records.end(), added.begin(), added.end());
        if (result == Unknown::written) return fail(Errc::timeout, "nobody knows");
        return added;
    }
    Result<std::vector<Record>> read(std::uint64_t from_seq, std::size_t limit) const override {
        std::vector<Record> out;
        for (auto const& record : records) {
            if (record.seq >= from_seq && out.size() < limit) out.push_back(record);
        }
        return out;
    }
    std::uint64_t last_seq() const override { return records.size(); }
    std::string last_hash() const override {
        return records.empty() ? std::string(genesis_hash) : records.back().hash;
    }
    Result<void> reread_tail() override {
        if (deaf) return fail(Errc::io, "the disk does not answer");
        return {};
    }
    Result<Tail> stored_tail() const override { return Tail{last_seq(), last_hash()}; }
    Result<void> save_checkpoints(std::span<Checkpoint const>) override { return {}; }
    Result<std::optional<Checkpoint>> load_checkpoint(std::string_view) const override {
        return std::optional<Checkpoint>();
    }
    Lease* lease() override { return nullptr; }

    std::vector<Record> records;  // of the journal thread; read it while nothing is under way
};

}  // namespace rollbackd::testing

// A journal in memory whose disk a test fills and empties.
#pragma once

#include "daemon/store/journal.hpp"

#include <atomic>
#include <functional>

namespace rollbackd::testing {

/// A lease that runs out at `until` unless the store lets it be renewed.
class MemoryLease final : public Lease {
public:
    std::uint64_t epoch() const override { return 1; }
    Result<void> renew(Now now) override {
        ++asked;
        if (taken) return fail(Errc::conflict, "another rollbackd has taken over the journal");
        if (gone) return fail(Errc::unavailable, "the database does not answer");
        until = relied_until(now);
        return {};
    }
    std::optional<Instant> expires() const override { return until; }

    std::atomic<Instant> until = Instant::max();
    std::atomic<bool> taken = false;
    std::atomic<bool> gone = false;
    std::atomic<int> asked = 0;
};

class MemoryJournal final : public Journal {
public:
    /// While an append is under way, on the journal thread.
    std::function<void()> during_append;
    std::optional<MemoryLease> shared;
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
        if (during_append) during_append();
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
    Lease* lease() override { return shared ? &*shared : nullptr; }

    std::vector<Record> records;  // of the journal thread; read it while nothing is under way
};

}  // namespace rollbackd::testing

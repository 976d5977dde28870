// The journal on a simulated disk: the same contract as the real ones (daemon/store/journal.hpp),
// which it keeps in memory. It can be full, answer late, lose the last write or not say whether it
// was written.
#pragma once

#include "daemon/store/journal.hpp"
#include "engine/policy.hpp"
#include "tests/simulation/timeline.hpp"

#include <deque>

namespace rollbackd::simulation {

class Disk final : public Journal {
public:
    explicit Disk(Machine const& machine) : machine_(machine) {}

    enum class Unknown { no, written, lost };
    bool full = false;
    bool deaf = false;  // the tail cannot be read again
    Unknown next_unknown = Unknown::no;

    /// One transaction, as it became durable.
    struct Batch {
        std::size_t first = 0;
        std::size_t count = 0;
        Time decided{};
        std::shared_ptr<Policy const> by;  // what was in force then
    };
    std::shared_ptr<Policy const> decided_by;  // what is appended next
    std::vector<Record> const& records() const { return records_; }
    /// The body of the next record that the model reads; each is kept until then.
    Json take_body() {
        auto body = std::move(unread_.front());
        unread_.pop_front();
        return body;
    }
    std::vector<Batch> const& batches() const { return batches_; }

    Result<std::vector<Record>> append(
        std::span<RecordDraft const> drafts, Now now, std::string const& boot_id
    ) override;
    Result<std::vector<Record>> read(std::uint64_t from_seq, std::size_t limit) const override;
    std::uint64_t last_seq() const override { return tail_.seq; }
    std::string last_hash() const override { return tail_.hash; }
    Result<void> reread_tail() override;
    Result<Tail> stored_tail() const override;
    Result<void> save_checkpoints(std::span<Checkpoint const> checkpoints) override;
    Result<std::optional<Checkpoint>> load_checkpoint(std::string_view name) const override;
    Lease* lease() override { return nullptr; }
    /// Another process opens it.
    void reopen();

private:
    void write(std::span<RecordDraft const> drafts, Now now, std::string const& boot_id);

    Machine const& machine_;
    std::vector<Record> records_;
    std::deque<Json> unread_;
    std::vector<Batch> batches_;
    std::map<std::string, Checkpoint, std::less<>> checkpoints_;
    Tail tail_;  // as this opening knows it
    bool unknown_ = false;
};

}  // namespace rollbackd::simulation

// The journal on a simulated disk: the same contract as the real ones (daemon/store/journal.hpp),
// which it keeps in memory. It can be full, answer late, lose the last write or not say whether it
// was written. Two daemons may share it, of which the holder of its lease writes.
#pragma once

#include "daemon/store/checks.hpp"
#include "engine/policy.hpp"
#include "tests/simulation/timeline.hpp"

#include <deque>

namespace rollbackd::simulation {

/// What one daemon knows of it, and its way there.
struct Seat {
    int node = 0;
    bool shared = false;  // another daemon may take over
    bool cut = false;     // there is no way
    Tail tail;            // as this opening knows it
    bool unknown = false;
    std::uint64_t epoch = 1;
    std::optional<Instant> expires;
};

class Disk final : public Journal {
public:
    explicit Disk(Machine const& machine) : machine_(machine) {}

    /// Who asks from here on.
    void sit(Seat& seat) { seat_ = &seat; }
    /// Errc::conflict: the other one holds it.
    Result<void> take_lease();
    Result<void> renew(Now now);
    void release();

    enum class Unknown { no, written, lost };
    bool full = false;
    bool deaf = false;  // the tail cannot be read again
    Unknown next_unknown = Unknown::no;

    /// One transaction, as it became durable.
    struct Batch {
        std::size_t first = 0;
        std::size_t count = 0;
        Time decided{};
        int node = 0;
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
    std::uint64_t last_seq() const override { return seat_->tail.seq; }
    std::string last_hash() const override { return seat_->tail.hash; }
    Result<void> reread_tail() override;
    Result<Tail> stored_tail() const override;
    Result<void> save_checkpoints(std::span<Checkpoint const> checkpoints) override;
    Result<std::optional<Checkpoint>> load_checkpoint(std::string_view name) const override;
    Lease* lease() override { return nullptr; }
    /// Another process opens it.
    void reopen();

private:
    void write(std::span<RecordDraft const> drafts, Now now, std::string const& boot_id);
    Result<void> reach() const;
    Time time() const { return machine_.time_of(machine_.now().boot); }

    Machine const& machine_;
    std::vector<Record> records_;
    std::deque<Json> unread_;
    std::vector<Batch> batches_;
    std::map<std::string, Checkpoint, std::less<>> checkpoints_;
    Seat own_;
    Seat* seat_ = &own_;
    std::uint64_t epoch_ = 0;
    int holder_ = 0;
    Time until_{};
};

}  // namespace rollbackd::simulation

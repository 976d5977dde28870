// The journal in a PostgreSQL database that several daemons share: open_journal() in journal.hpp
// makes it. The head row says who holds the lease, under which epoch and until when by the
// database's own clock; every append locks it and fails where the epoch is not ours.
// A connection that is lost is made again by the next call.
#pragma once

#include "daemon/store/checks.hpp"
#include "daemon/store/postgres_tables.hpp"

#include <atomic>

namespace rollbackd {

class PostgresJournal final : public Journal, public Lease {
public:
    PostgresJournal(postgres::Access access, OpenMode mode, std::string place)
        : access_(std::move(access)), mode_(mode), place_(std::move(place)) {}
    /// Lets go of the lease, so that another one takes over at once.
    ~PostgresJournal() override;

    /// Connects, looks, makes the tables; a writer then takes the lease, which is refused with
    /// Errc::conflict while somebody else holds it.
    Result<void> start(StoreOptions const& options);

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
    Lease* lease() override { return mode_ == OpenMode::read_write ? this : nullptr; }
    Result<std::optional<LeaseHolder>> holder() const override;

    std::uint64_t epoch() const override { return epoch_; }
    Result<void> renew(Now now) override;
    std::optional<Instant> expires() const override { return expires_.load(); }

private:
    enum class Lock { none, shared, own };

    Result<postgres::Connection*> connection() const;
    Result<postgres::Rows> ask(
        std::string const& sql, std::vector<postgres::Value> const& values = {}
    ) const;
    Result<JournalHead> read_head(Lock lock) const;
    Result<void> take_lease(StoreOptions const& options);
    Result<void> insert(std::vector<Record> const& records);
    Result<void> refuse_if_read_only() const;
    template <class Work>
    Result<void> transaction(Work work);

    postgres::Access access_;
    OpenMode mode_;
    std::string place_;
    mutable std::optional<postgres::Connection> connection_;
    Tail tail_;
    std::uint64_t epoch_ = 0;
    std::atomic<Instant> expires_ = Instant();  // the loop's thread asks
    bool unknown_ = false;                      // the last append may or may not have gone in
};

Result<std::unique_ptr<Journal>> open_postgres_journal(
    std::string const& url, OpenMode mode, StoreOptions const& options
);

}  // namespace rollbackd

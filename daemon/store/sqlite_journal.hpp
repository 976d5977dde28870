// The journal in one SQLite file: open_journal() in journal.hpp makes it. Holding the lock beside
// the file is what makes it a writer; the epoch in the head row fences off a writer that has lost
// it.
#pragma once

#include "daemon/store/checks.hpp"
#include "daemon/store/sqlite_file.hpp"

#include <string>

namespace rollbackd {

class SqliteJournal final : public Journal, public Lease {
public:
    // Every statement the journal ever runs, prepared once.
    struct Statements {
        sqlite::Statement head;
        sqlite::Statement read;
        sqlite::Statement load;
        sqlite::Statement insert;
        sqlite::Statement move_head;
        sqlite::Statement save;
    };

    SqliteJournal(
        std::optional<sqlite::StoreLock> lock, sqlite::Connection connection, Statements statements,
        std::string path
    )
        : lock_(std::move(lock)),
          connection_(std::move(connection)),
          statements_(std::move(statements)),
          path_(std::move(path)) {}

    /// The newest record is the one the head row names, and it is intact.
    Result<void> check_end() const;
    /// Reads the tail; a writer then takes a new epoch.
    Result<void> start();

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
    Lease* lease() override { return lock_ ? this : nullptr; }

    std::uint64_t epoch() const override { return epoch_; }
    Result<void> renew(Now now) override;
    std::optional<Instant> expires() const override { return std::nullopt; }

private:
    Result<JournalHead> read_head() const;
    Result<void> write(std::vector<Record> const& records);
    Result<void> settle(Error const& problem, Tail const& wanted);
    Result<void> refuse_if_read_only() const;
    template <class Work>
    Result<void> transaction(Work work);

    std::optional<sqlite::StoreLock> lock_;  // first: let go after the connection is closed
    sqlite::Connection connection_;
    mutable Statements statements_;
    std::string path_;
    sqlite::StoreFiles files_;  // of a writer, from its first transaction on
    Tail tail_;
    std::uint64_t epoch_ = 0;
    bool unknown_ = false;  // the last append may or may not have gone in
};

Result<std::unique_ptr<Journal>> open_sqlite_journal(std::string const& path, OpenMode mode);

}  // namespace rollbackd

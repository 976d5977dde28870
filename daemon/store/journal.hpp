// The journal: the durable, append-only, hash-chained record of everything decided and done.
// Blocking; one thread at a time (the daemon's journal thread; rollbackctl's only one). A record
// that append() returned survives a crash of the daemon, the kernel and the power supply.
#pragma once

#include "core/chain.hpp"
#include "daemon/store/lease.hpp"

#include <span>

namespace rollbackd {

/// State, windows or offsets as they stood when record `seq` (with this hash) was the newest.
/// A deletable cache: everything in it can be rebuilt from the journal, or is allowed to be lost.
struct Checkpoint {
    std::string name;
    std::uint64_t seq = 0;
    std::string hash;
    std::string text;

    friend bool operator==(Checkpoint const&, Checkpoint const&) = default;
};

enum class OpenMode {
    read_write,  // creates a missing store; takes the lease; a second one is refused
    read_only,   // works beside a running daemon; append and save_checkpoints are refused
};

struct StoreOptions {
    std::string password_file;  // of a database
    /// Names the folder where this daemon's steps keep their claims, which it has locked: a lease
    /// under this name is its own of a former life. Empty: it has none.
    std::string node;
    std::string name;  // who takes the lease, for people
};

class Journal {
public:
    virtual ~Journal() = default;

    /// One transaction, one sync: all drafts or none. Errc::unavailable: nothing was written, and
    /// the same call works again once the cause (a full disk, say) is gone. Errc::timeout: the
    /// result is unknown; reread_tail(), then last_seq() says whether the records are there.
    /// Errc::conflict: another daemon has taken over; Errc::invalid: a draft no journal can hold.
    virtual Result<std::vector<Record>> append(
        std::span<RecordDraft const> drafts, Now now, std::string const& boot_id
    ) = 0;

    /// Ascending from `from_seq`. May hold fewer than `limit` (a batch is bounded in bytes too);
    /// only an empty answer means the end. Errc::corrupt: the record at `from_seq` is unreadable.
    virtual Result<std::vector<Record>> read(std::uint64_t from_seq, std::size_t limit) const = 0;

    /// The newest record, as of open, the last append or reread_tail(); 0 and genesis_hash: none.
    virtual std::uint64_t last_seq() const = 0;
    virtual std::string last_hash() const = 0;
    /// Reads the newest record's place and hash from the store again.
    virtual Result<void> reread_tail() = 0;
    /// What the store itself says is the newest record; last_seq() and last_hash() stay as they
    /// are.
    virtual Result<Tail> stored_tail() const = 0;

    /// Replaces the checkpoints of these names, all in one transaction.
    virtual Result<void> save_checkpoints(std::span<Checkpoint const> checkpoints) = 0;
    /// nullopt: none of that name, or one that is damaged or does not fit the journal (its record
    /// is missing or carries another hash): go without it.
    virtual Result<std::optional<Checkpoint>> load_checkpoint(std::string_view name) const = 0;

    /// nullptr where opened read_only.
    virtual Lease* lease() = 0;
    /// Who holds the lease now; nullopt: nobody, or a store that only one may open.
    virtual Result<std::optional<LeaseHolder>> holder() const {
        return std::optional<LeaseHolder>();
    }
};

/// `store_url`: sqlite:/path (a path alone is taken as one) or postgresql://…. Refuses, with a
/// sentence that says how to mend it and the store untouched: one in use (Errc::conflict), a
/// foreign, newer or damaged one, no access. Errc::unavailable: nobody answers there now.
Result<std::unique_ptr<Journal>> open_journal(
    std::string const& store_url, OpenMode mode, StoreOptions const& options = {}
);

/// Whether several daemons may share it, of which the holder of the lease acts.
bool is_shared_store(std::string_view store_url);
/// As people may see it: without a password, and without what a driver is told.
std::string store_name(std::string const& store_url);

struct VerifyReport {
    struct Problem {
        std::uint64_t seq = 0;  // of the first record that is wrong or missing
        std::string what;

        friend bool operator==(Problem const&, Problem const&) = default;
    };

    std::uint64_t records = 0;  // intact ones from the first on
    std::string last_hash;      // of the last of them: note it elsewhere to notice a rewritten file
    std::optional<Problem> problem;

    friend bool operator==(VerifyReport const&, VerifyReport const&) = default;
};

/// Follows the chain from the first record to the newest one the store says it has. Works beside a
/// running daemon: records appended meanwhile are checked or left out. Fails only where the store
/// cannot be read at all.
Result<VerifyReport> verify_journal(Journal const& journal);

}  // namespace rollbackd

// What every store does alike: the records that follow a tail, the sum of a checkpoint, and whether
// a journal's end and a checkpoint are what they should be.
#pragma once

#include "daemon/store/journal.hpp"

namespace rollbackd {

/// One read's bodies together; a verify of a long journal must not need its size in memory.
inline constexpr std::size_t read_bytes_max = 4U << 20U;

/// What a journal's head row says: where it ends, and who may write.
struct JournalHead {
    Tail tail;
    std::uint64_t epoch = 0;
    LeaseHolder holder;  // of a shared store
};

/// Whoever holds `ours` may append where the store says `stored`. Errc::conflict: another daemon
/// has taken over, or the store has lost records.
Result<void> check_ours(
    JournalHead const& stored, JournalHead const& ours, std::string const& place
);

/// The records that `drafts` become behind `tail`. Errc::invalid, too_large: no journal holds one.
Result<std::vector<Record>> chain_drafts(
    Tail tail, std::span<RecordDraft const> drafts, AppendStamp const& stamp,
    std::string const& place
);

/// SHA-256 over everything a checkpoint says; see docs/journal.md.
std::string sum_of(Checkpoint const& checkpoint);
/// Its record is in the journal and carries its hash.
bool fits(Checkpoint const& checkpoint, Journal const& journal);

/// The newest record is the one that `head` names, and it is intact. Only the end, so that opening
/// takes no time; the rest of the chain is verified in the background.
Result<void> check_end(Journal const& journal, Tail const& head, std::string const& place);

}  // namespace rollbackd

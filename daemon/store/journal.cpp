#include "daemon/store/journal.hpp"

#include "daemon/store/postgres_journal.hpp"
#include "daemon/store/sqlite_journal.hpp"

namespace rollbackd {

namespace {

constexpr std::size_t batch_max = 512;

/// Follows the records one after the other, keeping only the last one's place and hash.
class Chain {
public:
    /// Nullopt while `record` is intact and the next one.
    std::optional<std::string> add(Record const& record) {
        if (record.seq != tail_.seq + 1) {
            return "the record is missing; the next one is " + std::to_string(record.seq);
        }
        if (record.prev != tail_.hash) {
            return "its link to the record before it is broken: " +
                   (tail_.seq == 0 ? std::string("it is not the first record that was written")
                                   : "record " + std::to_string(tail_.seq) + " has another hash");
        }
        auto const hash = hash_of(record);
        if (hash != record.hash) return "its content was changed: its hash would be " + hash;
        tail_ = Tail{record.seq, record.hash};
        return std::nullopt;
    }
    Tail const& tail() const { return tail_; }

private:
    Tail tail_;
};

}  // namespace

bool is_shared_store(std::string_view store_url) {
    return store_url.starts_with("postgresql:") || store_url.starts_with("postgres:");
}

std::string store_name(std::string const& store_url) {
    if (!is_shared_store(store_url)) return store_url;
    auto const place = postgres::place_of(store_url);
    return "postgresql://" + (place ? *place : std::string("(not understood)"));
}

Result<std::unique_ptr<Journal>> open_journal(
    std::string const& store_url, OpenMode mode, StoreOptions const& options
) {
    if (is_shared_store(store_url)) return open_postgres_journal(store_url, mode, options);
    auto const path = sqlite::path_of(store_url);
    if (!path) return tl::unexpected<Error>(path.error());
    return open_sqlite_journal(*path, mode);
}

Result<VerifyReport> verify_journal(Journal const& journal) {
    Chain chain;
    auto const broken = [&](std::string what, std::uint64_t seq) {
        return VerifyReport{
            chain.tail().seq, chain.tail().hash, VerifyReport::Problem{seq, std::move(what)}
        };
    };
    while (true) {
        // The end is read before the records: whatever is appended meanwhile comes after it.
        auto const end = journal.stored_tail();
        if (!end && end.error().code != Errc::corrupt) return tl::unexpected<Error>(end.error());
        std::uint64_t const next = chain.tail().seq + 1;
        auto const records = journal.read(next, batch_max);
        if (!records && records.error().code != Errc::corrupt) {
            return tl::unexpected<Error>(records.error());
        }
        if (!records) return broken("it cannot be read: " + records.error().what, next);
        for (auto const& record : *records) {
            if (auto problem = chain.add(record)) {
                return broken(std::move(*problem), chain.tail().seq + 1);
            }
        }
        if (!end) return broken(end.error().what, chain.tail().seq);
        if (chain.tail().seq == end->seq && chain.tail().hash != end->hash) {
            return broken("the head row names another hash for it", end->seq);
        }
        if (!records->empty()) continue;  // and see that nothing follows
        if (chain.tail().seq < end->seq) {
            return broken(
                "the record is missing: the journal ends early, its head row says that " +
                    std::to_string(end->seq) + " were written",
                next
            );
        }
        if (chain.tail().seq > end->seq) {
            return broken("it follows the record that the head row calls the last", end->seq + 1);
        }
        return VerifyReport{chain.tail().seq, chain.tail().hash, std::nullopt};
    }
}

}  // namespace rollbackd

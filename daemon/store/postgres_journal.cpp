#include "daemon/store/postgres_journal.hpp"

namespace rollbackd {

using postgres::Connection;
using postgres::Rows;
using postgres::Value;

namespace {

constexpr std::size_t inserted_at_once_max = 500;

std::string seconds(Duration duration) {
    return std::to_string(duration / std::chrono::seconds(1)) + " seconds";
}

Record record_of(Rows const& rows, std::size_t row) {
    Record record;
    record.seq = std::uint64_t(rows.integer(row, 0));
    record.at = WallTime(std::chrono::microseconds(rows.integer(row, 1)));
    record.boot = Instant(Duration(rows.integer(row, 2)));
    record.boot_id = rows.text(row, 3);
    record.epoch = std::uint64_t(rows.integer(row, 4));
    record.kind = rows.text(row, 5);
    record.body = rows.bytes(row, 6);
    record.prev = rows.text(row, 7);
    record.hash = rows.text(row, 8);
    return record;
}

}  // namespace

PostgresJournal::~PostgresJournal() {
    // Not where the connection is lost: the lease runs out by itself, and an end must not wait.
    bool const holds =
        mode_ == OpenMode::read_write && epoch_ > 0 && connection_ && !connection_->is_lost();
    if (!holds) return;
    (void)connection_->execute(
        "UPDATE rollbackd.head SET until = '-infinity' WHERE epoch = $1", {Value(epoch_)}
    );
}

Result<Connection*> PostgresJournal::connection() const {
    if (connection_ && !connection_->is_lost()) return &*connection_;
    connection_.reset();
    auto made = Connection::open(access_);
    if (!made) return tl::unexpected<Error>(made.error());
    connection_.emplace(std::move(*made));
    return &*connection_;
}

// A question that did not get through may be asked again: it changes nothing.
Result<Rows> PostgresJournal::ask(std::string const& sql, std::vector<Value> const& values) const {
    auto const open = connection();
    if (!open) return tl::unexpected<Error>(open.error());
    auto answer = (*open)->execute(sql, values);
    if (!answer && answer.error().code == Errc::timeout) {
        return fail(Errc::unavailable, answer.error().what, answer.error().where);
    }
    return answer;
}

Result<JournalHead> PostgresJournal::read_head(Lock lock) const {
    std::string sql =
        "SELECT seq, hash, epoch, node, holder, "
        "ceil(extract(epoch FROM greatest(least(until, clock_timestamp() + interval '1 day'), "
        "clock_timestamp() - interval '1 day') - clock_timestamp()) * 1000)::bigint "
        "FROM rollbackd.head WHERE one = 1";
    if (lock == Lock::shared) sql += " FOR SHARE";
    if (lock == Lock::own) sql += " FOR UPDATE";
    auto const rows = ask(sql);
    if (!rows) return tl::unexpected<Error>(rows.error());
    if (rows->size() != 1 || rows->integer(0, 0) < 0 || rows->integer(0, 2) < 0) {
        return fail(
            Errc::corrupt, "the head row is missing or damaged; restore the store from a backup",
            place_
        );
    }
    JournalHead head;
    head.tail = Tail{std::uint64_t(rows->integer(0, 0)), rows->text(0, 1)};
    head.epoch = std::uint64_t(rows->integer(0, 2));
    head.holder.node = rows->text(0, 3);
    head.holder.name = rows->text(0, 4);
    head.holder.left = std::chrono::milliseconds(rows->integer(0, 5));
    return head;
}

Result<std::optional<LeaseHolder>> PostgresJournal::holder() const {
    auto head = read_head(Lock::none);
    if (!head) return tl::unexpected<Error>(head.error());
    if (head->holder.left <= Duration::zero()) return std::optional<LeaseHolder>();
    return std::optional<LeaseHolder>(std::move(head->holder));
}

Result<void> PostgresJournal::start(StoreOptions const& options) {
    auto const open = connection();
    if (!open) return tl::unexpected<Error>(open.error());
    if (auto good = prepare_tables(**open, mode_); !good) return good;
    auto const head = read_head(Lock::none);
    // A reader shows what is there, however damaged; verify_journal() judges it.
    bool const shown = mode_ == OpenMode::read_only;
    if (!head && shown && head.error().code == Errc::corrupt) return {};
    if (!head) return tl::unexpected<Error>(head.error());
    tail_ = head->tail;
    epoch_ = shown ? head->epoch : 0;
    if (shown) return {};
    return take_lease(options);
}

// The statement itself compares, on the locked row and by the database's clock: of two that ask at
// once one gets it. A former life of this very node is dead: its folder of steps was ours to lock.
Result<void> PostgresJournal::take_lease(StoreOptions const& options) {
    auto const taken =
        ask("UPDATE rollbackd.head SET epoch = epoch + 1, node = $1, holder = $2, "
            "until = clock_timestamp() + $3::interval "
            "WHERE until < clock_timestamp() OR (node = $1 AND holder = $2 AND node <> '') "
            "RETURNING seq, hash, epoch",
            {Value(options.node), Value(options.name), Value(seconds(lease_ttl))});
    if (!taken) return tl::unexpected<Error>(taken.error());
    if (taken->size() != 1) {
        auto const head = read_head(Lock::none);
        if (!head) return tl::unexpected<Error>(head.error());
        return fail(
            Errc::conflict, "rollbackd on " + head->holder.name + " holds the lease of this store",
            place_
        );
    }
    tail_ = Tail{std::uint64_t(taken->integer(0, 0)), taken->text(0, 1)};
    epoch_ = std::uint64_t(taken->integer(0, 2));
    return check_end(*this, tail_, place_);
}

// Whatever fails before COMMIT was sent wrote nothing; a lost connection ends the transaction too.
template <class Work>
Result<void> PostgresJournal::transaction(Work work) {
    auto const open = connection();
    if (!open) return tl::unexpected<Error>(open.error());
    auto const begun = (*open)->execute("BEGIN");
    Result<void> done;
    if (!begun) {
        done = tl::unexpected<Error>(begun.error());
    } else {
        done = work();
    }
    if (!done) {
        if (!(*open)->is_lost()) (void)(*open)->execute("ROLLBACK");
        auto problem = done.error();
        if (problem.code == Errc::timeout) problem.code = Errc::unavailable;
        return tl::unexpected<Error>(std::move(problem));
    }
    auto const ended = (*open)->execute("COMMIT");
    if (!ended && (*open)->is_lost()) {
        unknown_ = true;
        return fail(
            Errc::timeout, "whether it was written is unknown: " + ended.error().what, place_
        );
    }
    if (!ended) return tl::unexpected<Error>(ended.error());
    if (ended->tag() != "COMMIT") return fail(Errc::io, "the database rolled it back", place_);
    return {};
}

Result<std::vector<Record>> PostgresJournal::append(
    std::span<RecordDraft const> drafts, Now now, std::string const& boot_id
) {
    if (auto ok = refuse_if_read_only(); !ok) return tl::unexpected<Error>(ok.error());
    if (unknown_) {
        // The caller has not asked where the last append ended; its picture may be behind.
        return fail(
            Errc::timeout, "the last append has an unknown result; reread the tail", place_
        );
    }
    if (drafts.empty()) return std::vector<Record>();
    auto records = chain_drafts(tail_, drafts, AppendStamp{now, boot_id, epoch_}, place_);
    if (!records) return records;
    auto const written = transaction([&]() -> Result<void> {
        auto const head = read_head(Lock::own);
        if (!head) return tl::unexpected<Error>(head.error());
        if (auto ours = check_ours(*head, {tail_, epoch_, {}}, place_); !ours) return ours;
        return insert(*records);
    });
    if (!written) return tl::unexpected<Error>(written.error());
    tail_ = Tail{records->back().seq, records->back().hash};
    expires_ = relied_until(now);
    return records;
}

Result<void> PostgresJournal::insert(std::vector<Record> const& records) {
    for (std::size_t from = 0; from < records.size(); from += inserted_at_once_max) {
        auto const end = std::min(records.size(), from + inserted_at_once_max);
        std::string sql = "INSERT INTO rollbackd.record VALUES ";
        std::vector<Value> values;
        for (auto i = from; i < end; ++i) {
            auto const& record = records[i];
            for (auto value :
                 {Value(record.seq), Value(std::int64_t(record.at.time_since_epoch().count())),
                  Value(std::int64_t(record.boot.time_since_epoch().count())),
                  Value(record.boot_id), Value(record.epoch), Value(record.kind),
                  Value::bytes(record.body), Value(record.prev), Value(record.hash)}) {
                values.push_back(std::move(value));
                sql += (values.size() % 9 == 1 ? (i == from ? "($" : ",($") : ",$") +
                       std::to_string(values.size());
            }
            sql += ")";
        }
        if (auto done = ask(sql, values); !done) return tl::unexpected<Error>(done.error());
    }
    auto const& last = records.back();
    auto const moved = ask(
        "UPDATE rollbackd.head SET seq = $1, hash = $2, until = clock_timestamp() + $3::interval "
        "WHERE epoch = $4",
        {Value(last.seq), Value(last.hash), Value(seconds(lease_ttl)), Value(epoch_)}
    );
    if (!moved) return tl::unexpected<Error>(moved.error());
    return {};
}

Result<std::vector<Record>> PostgresJournal::read(std::uint64_t from_seq, std::size_t limit) const {
    auto const rows = ask(
        "SELECT seq, at, boot, boot_id, epoch, kind, body, prev, hash FROM (SELECT *, "
        "sum(octet_length(body)) OVER (ORDER BY seq) - octet_length(body) AS before FROM "
        "(SELECT * FROM rollbackd.record WHERE seq >= $1 ORDER BY seq LIMIT $2) AS next) AS batch "
        "WHERE before < $3::bigint ORDER BY seq",
        {Value(from_seq), Value(std::uint64_t(limit)), Value(std::uint64_t(read_bytes_max))}
    );
    if (!rows) return tl::unexpected<Error>(rows.error());
    std::vector<Record> records;
    records.reserve(rows->size());
    for (std::size_t row = 0; row < rows->size(); ++row) records.push_back(record_of(*rows, row));
    return records;
}

// The head row's lock is waited for: a COMMIT that nobody heard the end of may still be under way.
Result<void> PostgresJournal::reread_tail() {
    bool const writer = mode_ == OpenMode::read_write;
    auto const head = read_head(writer ? Lock::shared : Lock::none);
    if (!head) return tl::unexpected<Error>(head.error());
    if (writer && head->epoch != epoch_) {
        return fail(
            Errc::conflict, "rollbackd on " + head->holder.name + " has taken over the journal",
            place_
        );
    }
    if (writer) {
        if (auto ok = check_end(*this, head->tail, place_); !ok) return ok;
    }
    tail_ = head->tail;
    unknown_ = false;
    return {};
}

Result<Tail> PostgresJournal::stored_tail() const {
    auto head = read_head(Lock::none);
    if (!head) return tl::unexpected<Error>(head.error());
    return std::move(head->tail);
}

Result<void> PostgresJournal::renew(Now now) {
    if (auto ok = refuse_if_read_only(); !ok) return ok;
    auto const renewed =
        ask("UPDATE rollbackd.head SET until = clock_timestamp() + $1::interval WHERE epoch = $2",
            {Value(seconds(lease_ttl)), Value(epoch_)});
    if (!renewed) return tl::unexpected<Error>(renewed.error());
    if (renewed->changed() == 0) {
        return fail(Errc::conflict, "another rollbackd has taken over the journal", place_);
    }
    expires_ = relied_until(now);
    return {};
}

Result<void> PostgresJournal::save_checkpoints(std::span<Checkpoint const> checkpoints) {
    if (auto ok = refuse_if_read_only(); !ok) return ok;
    if (checkpoints.empty()) return {};
    bool const doubt = unknown_;
    auto saved = transaction([&]() -> Result<void> {
        auto const head = read_head(Lock::own);
        if (!head) return tl::unexpected<Error>(head.error());
        if (head->epoch != epoch_) {
            return fail(
                Errc::conflict, "rollbackd on " + head->holder.name + " has taken over the journal",
                place_
            );
        }
        for (auto const& checkpoint : checkpoints) {
            auto const done = ask(
                "INSERT INTO rollbackd.checkpoint VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) "
                "DO UPDATE SET seq = excluded.seq, hash = excluded.hash, text = excluded.text, "
                "sum = excluded.sum",
                {Value(checkpoint.name), Value(checkpoint.seq), Value(checkpoint.hash),
                 Value::bytes(checkpoint.text), Value(sum_of(checkpoint))}
            );
            if (!done) return tl::unexpected<Error>(done.error());
        }
        return {};
    });
    unknown_ = doubt;  // of a cache nobody asks
    if (!saved && saved.error().code == Errc::timeout) {
        return fail(Errc::unavailable, saved.error().what, place_);
    }
    return saved;
}

Result<std::optional<Checkpoint>> PostgresJournal::load_checkpoint(std::string_view name) const {
    auto const rows =
        ask("SELECT seq, hash, text, sum FROM rollbackd.checkpoint WHERE name = $1", {Value(name)});
    if (!rows) return tl::unexpected<Error>(rows.error());
    if (rows->size() != 1) return std::optional<Checkpoint>();
    Checkpoint checkpoint{
        std::string(name), std::uint64_t(rows->integer(0, 0)), rows->text(0, 1), rows->bytes(0, 2)
    };
    if (rows->integer(0, 0) < 0 || sum_of(checkpoint) != rows->text(0, 3) ||
        !fits(checkpoint, *this)) {
        return std::optional<Checkpoint>();
    }
    return std::optional<Checkpoint>(std::move(checkpoint));
}

Result<void> PostgresJournal::refuse_if_read_only() const {
    if (mode_ == OpenMode::read_write) return {};
    return fail(Errc::forbidden, "the journal was opened for reading only", place_);
}

Result<std::unique_ptr<Journal>> open_postgres_journal(
    std::string const& url, OpenMode mode, StoreOptions const& options
) {
    auto place = postgres::place_of(url);
    if (!place) return tl::unexpected<Error>(place.error());
    auto journal = std::make_unique<PostgresJournal>(
        postgres::Access{url, options.password_file}, mode, *std::move(place)
    );
    if (auto started = journal->start(options); !started) {
        return tl::unexpected<Error>(started.error());
    }
    return std::unique_ptr<Journal>(std::move(journal));
}

}  // namespace rollbackd

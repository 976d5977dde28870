#include "daemon/store/sqlite_journal.hpp"

namespace rollbackd {

namespace {

using sqlite::Statement;

// The row as a Record; nullopt where a column has a type it cannot have.
std::optional<Record> record_of(Statement const& row) {
    auto const seq = row.integer(0), at = row.integer(1), boot = row.integer(2);
    auto const epoch = row.integer(4);
    auto boot_id = row.text(3), kind = row.text(5), body = row.text(6), prev = row.text(7),
         hash = row.text(8);
    if (!seq || !at || !boot || !epoch || !boot_id || !kind || !body || !prev || !hash) {
        return std::nullopt;
    }
    Record record;
    record.seq = static_cast<std::uint64_t>(*seq);
    record.at = WallTime(std::chrono::microseconds(*at));
    record.boot = Instant(Duration(*boot));
    record.boot_id = std::move(*boot_id);
    record.epoch = static_cast<std::uint64_t>(*epoch);
    record.kind = std::move(*kind);
    record.body = std::move(*body);
    record.prev = std::move(*prev);
    record.hash = std::move(*hash);
    return record;
}

}  // namespace

// BEGIN IMMEDIATE, so that the write lock is held before anything is read; nothing is left open
// whatever fails.
template <class Work>
Result<void> SqliteJournal::transaction(Work work) {
    if (auto there = files_.still_there(); !there) return there;
    if (auto begun = connection_.execute("BEGIN IMMEDIATE"); !begun) return begun;
    Result<void> done = work();
    if (done) done = connection_.execute("COMMIT");
    if (!done && connection_.in_transaction()) {
        // A failed ROLLBACK leaves the transaction open; the next BEGIN then says so.
        (void)connection_.execute("ROLLBACK");
    }
    return done;
}

Result<void> SqliteJournal::start() {
    auto const head = read_head();
    // A reader shows what is there, however damaged; verify_journal() judges it.
    if (!head && !lock_ && head.error().code == Errc::corrupt) return {};
    if (!head) return tl::unexpected<Error>(head.error());
    tail_ = head->tail;
    epoch_ = head->epoch;
    if (!lock_) return {};
    if (auto ok = rollbackd::check_end(*this, head->tail, path_); !ok) return ok;
    auto taken = transaction([&]() -> Result<void> {
        epoch_ = head->epoch + 1;
        statements_.move_head.bind(0, tail_.seq);
        statements_.move_head.bind(1, tail_.hash);
        statements_.move_head.bind(2, epoch_);
        return statements_.move_head.run();
    });
    if (taken) files_ = sqlite::StoreFiles(path_);
    return taken;
}

Result<std::vector<Record>> SqliteJournal::append(
    std::span<RecordDraft const> drafts, Now now, std::string const& boot_id
) {
    if (auto ok = refuse_if_read_only(); !ok) return tl::unexpected<Error>(ok.error());
    if (unknown_) {
        // The caller has not asked where the last append ended; its picture may be behind.
        return fail(Errc::timeout, "the last append has an unknown result; reread the tail", path_);
    }
    if (drafts.empty()) return std::vector<Record>();
    auto records = chain_drafts(tail_, drafts, AppendStamp{now, boot_id, epoch_}, path_);
    if (!records) return records;
    Tail const wanted{records->back().seq, records->back().hash};
    if (auto written = transaction([&] { return write(*records); }); !written) {
        if (auto ok = settle(written.error(), wanted); !ok) {
            return tl::unexpected<Error>(ok.error());
        }
    }
    tail_ = wanted;
    return records;
}

Result<void> SqliteJournal::write(std::vector<Record> const& records) {
    auto const head = read_head();
    if (!head) return tl::unexpected<Error>(head.error());
    if (auto ours = check_ours(*head, {tail_, epoch_, {}}, path_); !ours) return ours;
    for (auto const& record : records) {
        auto& insert = statements_.insert;
        insert.bind(0, record.seq);
        insert.bind(1, std::int64_t(record.at.time_since_epoch().count()));
        insert.bind(2, std::int64_t(record.boot.time_since_epoch().count()));
        insert.bind(3, std::string_view(record.boot_id));
        insert.bind(4, record.epoch);
        insert.bind(5, std::string_view(record.kind));
        insert.bind(6, std::string_view(record.body));
        insert.bind(7, std::string_view(record.prev));
        insert.bind(8, std::string_view(record.hash));
        if (auto done = insert.run(); !done) return done;
        // Row by row, because the trigger on record compares with it.
        auto& move = statements_.move_head;
        move.bind(0, record.seq);
        move.bind(1, std::string_view(record.hash));
        move.bind(2, record.epoch);
        if (auto done = move.run(); !done) return done;
    }
    return {};
}

// A failed commit may still have gone in. The store knows; only where it does not answer the
// result stays unknown.
Result<void> SqliteJournal::settle(Error const& problem, Tail const& wanted) {
    if (problem.code == Errc::conflict) return tl::unexpected<Error>(problem);
    auto const stored = stored_tail();
    if (stored && *stored == wanted) return {};
    if (stored && *stored == tail_) return tl::unexpected<Error>(problem);
    unknown_ = true;
    return fail(
        Errc::timeout, "whether the records were written is unknown: " + problem.what, problem.where
    );
}

Result<std::vector<Record>> SqliteJournal::read(std::uint64_t from_seq, std::size_t limit) const {
    auto& rows = statements_.read;
    rows.reset();
    rows.bind(0, from_seq);
    rows.bind(1, std::uint64_t(limit));
    std::vector<Record> records;
    std::size_t bytes = 0;
    Result<void> stopped;
    while (bytes < read_bytes_max) {
        auto const row = rows.step();
        if (!row) {
            stopped = tl::unexpected<Error>(row.error());
            break;
        }
        if (!*row) break;
        auto record = record_of(rows);
        if (!record) {
            stopped = fail(Errc::corrupt, "a field of the record has the wrong type", path_);
            break;
        }
        bytes += record->body.size() + sizeof(Record);
        records.push_back(std::move(*record));
    }
    rows.reset();
    // What was readable before the damage is handed out; the next call meets the damage first.
    if (!stopped && records.empty()) return tl::unexpected<Error>(stopped.error());
    return records;
}

Result<JournalHead> SqliteJournal::read_head() const {
    auto& row = statements_.head;
    row.reset();
    auto const found = row.step();
    if (!found) return tl::unexpected<Error>(found.error());
    auto const seq = *found ? row.integer(0) : std::nullopt;
    auto hash = *found ? row.text(1) : std::nullopt;
    auto const epoch = *found ? row.integer(2) : std::nullopt;
    row.reset();
    if (!seq || !hash || !epoch || *seq < 0 || *epoch < 0) {
        return fail(
            Errc::corrupt, "the head row is missing or damaged; restore the store from a backup",
            path_
        );
    }
    JournalHead head;
    head.tail.seq = static_cast<std::uint64_t>(*seq);
    head.tail.hash = std::move(*hash);
    head.epoch = static_cast<std::uint64_t>(*epoch);
    return head;
}

Result<void> SqliteJournal::check_end() const {
    auto const head = read_head();
    if (!head) return tl::unexpected<Error>(head.error());
    return rollbackd::check_end(*this, head->tail, path_);
}

Result<void> SqliteJournal::reread_tail() {
    auto const head = read_head();
    if (!head) return tl::unexpected<Error>(head.error());
    if (lock_ && head->epoch != epoch_) {
        return fail(Errc::conflict, "another rollbackd has taken over the journal", path_);
    }
    if (lock_) {
        if (auto ok = rollbackd::check_end(*this, head->tail, path_); !ok) return ok;
    }
    tail_ = head->tail;
    unknown_ = false;
    return {};
}

Result<Tail> SqliteJournal::stored_tail() const {
    auto head = read_head();
    if (!head) return tl::unexpected<Error>(head.error());
    return std::move(head->tail);
}

Result<void> SqliteJournal::renew(Now) {
    auto const head = read_head();
    if (!head) return tl::unexpected<Error>(head.error());
    if (head->epoch != epoch_) {
        return fail(Errc::conflict, "another rollbackd has taken over the journal", path_);
    }
    return {};
}

Result<void> SqliteJournal::save_checkpoints(std::span<Checkpoint const> checkpoints) {
    if (auto ok = refuse_if_read_only(); !ok) return ok;
    if (checkpoints.empty()) return {};
    return transaction([&]() -> Result<void> {
        if (auto ours = renew(Now{}); !ours) return ours;
        for (auto const& checkpoint : checkpoints) {
            auto const sum = sum_of(checkpoint);
            auto& save = statements_.save;
            save.bind(0, std::string_view(checkpoint.name));
            save.bind(1, checkpoint.seq);
            save.bind(2, std::string_view(checkpoint.hash));
            save.bind(3, std::string_view(checkpoint.text));
            save.bind(4, std::string_view(sum));
            if (auto done = save.run(); !done) return done;
        }
        return {};
    });
}

Result<std::optional<Checkpoint>> SqliteJournal::load_checkpoint(std::string_view name) const {
    auto& row = statements_.load;
    row.reset();
    row.bind(0, name);
    auto const found = row.step();
    if (!found && found.error().code != Errc::corrupt) return tl::unexpected<Error>(found.error());
    if (!found || !*found) {
        row.reset();
        return std::optional<Checkpoint>();
    }
    auto const seq = row.integer(0);
    auto hash = row.text(1), text = row.text(2);
    auto const sum = row.text(3);
    row.reset();
    if (!seq || *seq < 0 || !hash || !text || !sum) return std::optional<Checkpoint>();
    Checkpoint checkpoint{
        std::string(name), static_cast<std::uint64_t>(*seq), std::move(*hash), std::move(*text)
    };
    if (sum_of(checkpoint) != *sum || !fits(checkpoint, *this)) return std::optional<Checkpoint>();
    return std::optional<Checkpoint>(std::move(checkpoint));
}

Result<void> SqliteJournal::refuse_if_read_only() const {
    if (lock_) return {};
    return fail(Errc::forbidden, "the journal was opened for reading only", path_);
}

}  // namespace rollbackd

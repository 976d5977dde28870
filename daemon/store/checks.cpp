#include "daemon/store/checks.hpp"

#include "core/ensure.hpp"

namespace rollbackd {

namespace {

constexpr std::size_t record_bytes_max = 64U << 20U;

Result<void> check_draft(RecordDraft const& draft, std::string const& text) {
    if (draft.kind.empty() ||
        draft.kind.find_first_of(std::string_view("\n\0", 2)) != draft.kind.npos) {
        return fail(Errc::invalid, "a record's kind must be one line of text", draft.kind);
    }
    if (text.size() > record_bytes_max) {
        return fail(
            Errc::too_large,
            "a record may hold at most " + std::to_string(record_bytes_max >> 20U) + " MiB",
            draft.kind
        );
    }
    return {};
}

}  // namespace

Result<void> check_ours(
    JournalHead const& stored, JournalHead const& ours, std::string const& place
) {
    if (stored.epoch != ours.epoch) {
        auto const& name = stored.holder.name;
        return fail(
            Errc::conflict,
            (name.empty() ? "another rollbackd" : "rollbackd on " + name) +
                " has taken over the journal (epoch " + std::to_string(stored.epoch) +
                ", ours is " + std::to_string(ours.epoch) + "); this one must stop",
            place
        );
    }
    if (stored.tail != ours.tail) {
        return fail(
            Errc::conflict,
            "the store does not end with record " + std::to_string(ours.tail.seq) +
                " as written here, but with " + std::to_string(stored.tail.seq) +
                ": it was restored, or its standby took over without the newest records; this one "
                "must start again from what is there",
            place
        );
    }
    return {};
}

Result<std::vector<Record>> chain_drafts(
    Tail tail, std::span<RecordDraft const> drafts, AppendStamp const& stamp,
    std::string const& place
) {
    ensure(stamp.boot_id.find('\n') == stamp.boot_id.npos, "a boot id is one line");
    std::vector<Record> records;
    records.reserve(drafts.size());
    for (auto const& draft : drafts) {
        auto record = chain_record(tail, draft, stamp);
        if (auto ok = check_draft(draft, record.body); !ok) {
            auto error = ok.error();
            if (error.where.empty()) error.where = place;
            return tl::unexpected<Error>(std::move(error));
        }
        records.push_back(std::move(record));
    }
    return records;
}

std::string sum_of(Checkpoint const& checkpoint) {
    return sha256_hex(
        checkpoint.name + "\n" + std::to_string(checkpoint.seq) + "\n" + checkpoint.hash + "\n" +
        checkpoint.text
    );
}

bool fits(Checkpoint const& checkpoint, Journal const& journal) {
    if (checkpoint.seq == 0) return checkpoint.hash == genesis_hash;
    auto const record = journal.read(checkpoint.seq, 1);
    return record && !record->empty() && record->front().seq == checkpoint.seq &&
           record->front().hash == checkpoint.hash;
}

Result<void> check_end(Journal const& journal, Tail const& head, std::string const& place) {
    auto const damaged = [&](std::string const& what) {
        return fail(
            Errc::corrupt,
            "the journal's end is damaged: " + what +
                "; see `rollbackctl journal verify`, then restore the store from a backup",
            place
        );
    };
    auto const last = journal.read(std::max<std::uint64_t>(head.seq, 1), 2);
    bool const kept_away =
        !last && (last.error().code == Errc::unavailable || last.error().code == Errc::forbidden);
    if (kept_away) return tl::unexpected<Error>(last.error());
    if (!last) return damaged(last.error().what);
    if (head.seq == 0) {
        if (!last->empty() || head.hash != genesis_hash) return damaged("the head row is wrong");
        return {};
    }
    if (last->empty()) return damaged("record " + std::to_string(head.seq) + " is missing");
    auto const& record = last->front();
    if (last->size() > 1 || record.seq != head.seq || record.hash != head.hash) {
        return damaged("the newest record is not the one the head row names");
    }
    if (hash_of(record) != record.hash) {
        return damaged("record " + std::to_string(record.seq) + " was changed");
    }
    return {};
}

}  // namespace rollbackd

#include "tests/simulation/disk.hpp"

#include <algorithm>

namespace rollbackd::simulation {

Result<std::vector<Record>> Disk::append(
    std::span<RecordDraft const> drafts, Now now, std::string const& boot_id
) {
    if (seat_->unknown) {
        return fail(Errc::timeout, "the last append has an unknown result", "disk");
    }
    if (auto way = reach(); !way) return tl::unexpected<Error>(way.error());
    if (full) return fail(Errc::unavailable, "no space left on device", "disk");
    auto const outcome = std::exchange(next_unknown, Unknown::no);
    if (outcome != Unknown::lost) write(drafts, now, boot_id);
    if (outcome != Unknown::no) {
        seat_->unknown = true;
        return fail(Errc::timeout, "whether the records were written is unknown", "disk");
    }
    auto const first = records_.end() - std::ptrdiff_t(drafts.size());
    seat_->tail = {records_.back().seq, records_.back().hash};
    if (seat_->shared) {
        until_ = time() + lease_ttl;
        seat_->expires = relied_until(now);
    }
    return std::vector<Record>(first, records_.end());
}

void Disk::write(std::span<RecordDraft const> drafts, Now now, std::string const& boot_id) {
    batches_.push_back(
        {records_.size(), drafts.size(), machine_.time_of(now.boot), seat_->node, decided_by}
    );
    auto tail = *stored_tail();
    for (auto const& draft : drafts) {
        records_.push_back(chain_record(tail, draft, {now, boot_id, seat_->epoch}));
        unread_.push_back(draft.body);
    }
}

Result<std::vector<Record>> Disk::read(std::uint64_t from_seq, std::size_t limit) const {
    if (from_seq == 0 || from_seq > records_.size()) return std::vector<Record>();
    auto const first = records_.begin() + std::ptrdiff_t(from_seq - 1);
    auto const left = std::size_t(records_.end() - first);
    return std::vector<Record>(first, first + std::ptrdiff_t(std::min(limit, left)));
}

Result<void> Disk::reread_tail() {
    if (deaf || seat_->cut) return fail(Errc::io, "the disk does not answer", "disk");
    if (seat_->shared && seat_->epoch != epoch_) {
        return fail(Errc::conflict, "another one has taken over", "disk");
    }
    reopen();
    return {};
}

void Disk::reopen() {
    seat_->unknown = false;
    seat_->tail = {};
    if (!records_.empty()) seat_->tail = {records_.back().seq, records_.back().hash};
}

Result<void> Disk::reach() const {
    if (seat_->cut) return fail(Errc::unavailable, "there is no way to the store", "disk");
    if (!seat_->shared) return {};
    return check_ours({*stored_tail(), epoch_, {}}, {seat_->tail, seat_->epoch, {}}, "disk");
}

// By the store's own clock; a former life of the same daemon is over.
Result<void> Disk::take_lease() {
    if (seat_->cut || full || deaf) return fail(Errc::unavailable, "no answer", "disk");
    bool const held = epoch_ > 0 && time() < until_ && holder_ != seat_->node;
    if (held) return fail(Errc::conflict, "the other one holds the lease", "disk");
    seat_->epoch = ++epoch_;
    seat_->expires = Instant();
    holder_ = seat_->node;
    until_ = time() + lease_ttl;
    reopen();
    return {};
}

Result<void> Disk::renew(Now now) {
    if (seat_->cut || full || deaf) return fail(Errc::unavailable, "no answer", "disk");
    if (seat_->epoch != epoch_) return fail(Errc::conflict, "another one has taken over", "disk");
    until_ = time() + lease_ttl;
    seat_->expires = relied_until(now);
    return {};
}

void Disk::release() {
    if (!seat_->cut && seat_->epoch == epoch_) until_ = Time();
}

Result<Tail> Disk::stored_tail() const {
    if (records_.empty()) return Tail{};
    return Tail{records_.back().seq, records_.back().hash};
}

Result<void> Disk::save_checkpoints(std::span<Checkpoint const> checkpoints) {
    if (full || deaf) return fail(Errc::unavailable, "no space left on device", "disk");
    if (seat_->cut || (seat_->shared && seat_->epoch != epoch_)) {
        return fail(Errc::conflict, "another one has taken over, or may have", "disk");
    }
    for (auto const& checkpoint : checkpoints) checkpoints_[checkpoint.name] = checkpoint;
    return {};
}

Result<std::optional<Checkpoint>> Disk::load_checkpoint(std::string_view name) const {
    auto const found = checkpoints_.find(name);
    if (found == checkpoints_.end()) return std::optional<Checkpoint>();
    auto const& checkpoint = found->second;
    bool const fits = checkpoint.seq <= records_.size() && checkpoint.seq > 0 &&
                      records_[checkpoint.seq - 1].hash == checkpoint.hash;
    if (!fits) return std::optional<Checkpoint>();
    return std::optional(checkpoint);
}

}  // namespace rollbackd::simulation

#include "tests/simulation/disk.hpp"

#include <algorithm>

namespace rollbackd::simulation {

Result<std::vector<Record>> Disk::append(
    std::span<RecordDraft const> drafts, Now now, std::string const& boot_id
) {
    if (unknown_) return fail(Errc::timeout, "the last append has an unknown result", "disk");
    if (full) return fail(Errc::unavailable, "no space left on device", "disk");
    auto const outcome = std::exchange(next_unknown, Unknown::no);
    if (outcome != Unknown::lost) write(drafts, now, boot_id);
    if (outcome != Unknown::no) {
        unknown_ = true;
        return fail(Errc::timeout, "whether the records were written is unknown", "disk");
    }
    auto const first = records_.end() - std::ptrdiff_t(drafts.size());
    tail_ = {records_.back().seq, records_.back().hash};
    return std::vector<Record>(first, records_.end());
}

void Disk::write(std::span<RecordDraft const> drafts, Now now, std::string const& boot_id) {
    batches_.push_back({records_.size(), drafts.size(), machine_.time_of(now.boot), decided_by});
    auto tail = *stored_tail();
    for (auto const& draft : drafts) {
        records_.push_back(chain_record(tail, draft, {now, boot_id, 1}));
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
    if (deaf) return fail(Errc::io, "the disk does not answer", "disk");
    reopen();
    return {};
}

void Disk::reopen() {
    unknown_ = false;
    tail_ = {};
    if (!records_.empty()) tail_ = {records_.back().seq, records_.back().hash};
}

Result<Tail> Disk::stored_tail() const {
    if (records_.empty()) return Tail{};
    return Tail{records_.back().seq, records_.back().hash};
}

Result<void> Disk::save_checkpoints(std::span<Checkpoint const> checkpoints) {
    if (full || deaf) return fail(Errc::unavailable, "no space left on device", "disk");
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

#include "triggers/id_book.hpp"

#include "triggers/pack.hpp"

namespace rollbackd {

std::uint64_t stable_hash(std::string_view text, std::uint64_t seed) {
    std::uint64_t hash = seed;
    for (char const c : text) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 0x100000001b3U;
    }
    return hash;
}

IdBook::Part IdBook::admit(std::string_view id, std::string_view by, Instant at, Part seen) {
    auto const bits = [](Part const& part) {
        return static_cast<std::uint8_t>(
            (part.success ? 1 : 0) | (part.failure ? 2 : 0) | (part.neutral ? 4 : 0) |
            (part.other ? 8 : 0)
        );
    };
    // The separator cannot be part of a text that came through JSON or a log line as one field.
    auto const key = stable_hash(id, stable_hash(std::string_view("\0", 1), stable_hash(by)));
    auto const [entry, fresh] = marks_.try_emplace(key, Mark{at, 0});
    auto& mark = entry->second;
    if (fresh) {
        order_.push_back(key);
    } else if (at - mark.at > age_max) {
        mark = {at, 0};
    }
    auto const before = mark.parts;
    mark.parts = static_cast<std::uint8_t>(mark.parts | bits(seen));
    if (marks_.size() > limit) drop_oldest(1);
    return {
        seen.success && (before & 1U) == 0, seen.failure && (before & 2U) == 0,
        seen.neutral && (before & 4U) == 0, seen.other && (before & 8U) == 0
    };
}

void IdBook::drop_oldest(std::size_t count) {
    for (; count > 0 && gone_ < order_.size(); --count) marks_.erase(order_[gone_++]);
    if (gone_ * 2 > order_.size()) {
        order_.erase(order_.begin(), order_.begin() + static_cast<std::ptrdiff_t>(gone_));
        gone_ = 0;
    }
}

void IdBook::expire(Instant now) {
    std::size_t old = 0;
    while (gone_ + old < order_.size() && marks_.at(order_[gone_ + old]).at < now - age_max) ++old;
    drop_oldest(old);
}

void IdBook::save(Packer& packer) const {
    packer.number(marks_.size());
    for (auto i = gone_; i < order_.size(); ++i) {
        auto const& mark = marks_.at(order_[i]);
        packer.number(order_[i]);
        packer.instant(mark.at);
        packer.number(mark.parts);
    }
}

void IdBook::load(Unpacker& unpacker) {
    marks_.clear();
    order_.clear();
    gone_ = 0;
    for (auto count = unpacker.count(limit); count > 0 && unpacker.ok(); --count) {
        auto const key = unpacker.number();
        auto const at = unpacker.instant();
        auto const parts = static_cast<std::uint8_t>(unpacker.count(15));
        if (!marks_.try_emplace(key, Mark{at, parts}).second) unpacker.refuse();
        order_.push_back(key);
    }
}

void IdBook::shift(Duration by) {
    for (auto& [key, mark] : marks_) mark.at += by;
}

}  // namespace rollbackd

// Event ids already counted: each counts once as failure and once as success, for 72 hours. Part
// of a SignalWindow. A webhook retried four times under one id is one failure.
// Bounded: above `limit` ids the one that came first is forgotten, so a signal that brings more in
// 72 hours (one in four seconds) counts a repeat that comes later than that again.
#pragma once

#include "triggers/cells.hpp"

#include <unordered_map>

namespace rollbackd {

class IdBook {
public:
    /// What of an outcome is new; all of it where the id is. `other`: a value without outcome.
    struct Part {
        bool success = false;
        bool failure = false;
        bool neutral = false;
        bool other = false;
        bool any() const { return success || failure || neutral || other; }
    };
    /// `by` is part of the identity: two providers may use the same ids.
    Part admit(std::string_view id, std::string_view by, Instant at, Part seen);
    void expire(Instant now);

    void save(Packer& packer) const;
    void load(Unpacker& unpacker);
    void shift(Duration by);

    static constexpr std::chrono::hours age_max{72};
    static constexpr std::size_t limit = 65536;

private:
    struct Mark {
        Instant at;
        std::uint8_t parts = 0;
    };

    void drop_oldest(std::size_t count);

    std::unordered_map<std::uint64_t, Mark> marks_;
    std::vector<std::uint64_t> order_;  // of arrival; [0, gone_) are forgotten already
    std::size_t gone_ = 0;
};

/// FNV-1a, the same in every build: hashes are kept in checkpoints.
std::uint64_t stable_hash(std::string_view text, std::uint64_t seed = 0xcbf29ce484222325U);

}  // namespace rollbackd

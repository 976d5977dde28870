// Who was there and who failed: distinct clients over a sliding range, for affected(). Part of a
// SignalWindow. Bounded: above `limit` marks the oldest go, so on a very busy site the share is
// measured over the newest few thousand visits.
#pragma once

#include "triggers/cells.hpp"

#include <unordered_map>

namespace rollbackd {

/// Distinct clients seen and failing; samples without a client are not counted.
struct Clients {
    std::uint64_t seen = 0;
    std::uint64_t failing = 0;

    friend bool operator==(Clients const&, Clients const&) = default;
};

class ClientBook {
public:
    void add(Instant at, std::string_view client, bool failing);
    void expire(Instant horizon);
    Clients count(Range range) const;

    void save(Packer& packer) const;
    void load(Unpacker& unpacker);
    void shift(Duration by);

    static constexpr std::size_t limit = 8192;

private:
    struct Mark {
        Instant at;
        std::uint64_t client = 0;
        bool failing = false;
    };
    struct Visits {
        std::uint32_t all = 0;
        std::uint32_t failing = 0;
    };
    /// The newest answer for one window length, moved along instead of made afresh.
    struct Cursor {
        Range range;
        std::size_t begin = 0;
        std::size_t end = 0;
        std::unordered_map<std::uint64_t, Visits> visits;
        Clients clients;
    };

    void enter(Cursor& cursor, Mark const& mark) const;
    void leave(Cursor& cursor, Mark const& mark) const;
    std::size_t position_after(Instant when) const;

    std::vector<Mark> marks_;  // by time
    mutable std::vector<Cursor> cursors_;
    static constexpr std::size_t cursors_max = 4;
};

}  // namespace rollbackd

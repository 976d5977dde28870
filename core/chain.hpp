// How a draft becomes the journal's next record.
#pragma once

#include "core/record.hpp"

namespace rollbackd {

/// What the records of one append have in common.
struct AppendStamp {
    Now now;
    std::string boot_id;
    std::uint64_t epoch = 0;
};

/// Place and hash of a journal's newest record; as made, those of an empty one.
struct Tail {
    std::uint64_t seq = 0;
    std::string hash = std::string(genesis_hash);

    friend bool operator==(Tail const&, Tail const&) = default;
};

/// The record that follows `tail`, which moves on to it.
Record chain_record(Tail& tail, RecordDraft const& draft, AppendStamp const& stamp);

}  // namespace rollbackd

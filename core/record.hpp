// The journal's envelope: what every durable record carries, and the chain that binds them.
// hash = SHA-256 over the previous hash and every field of this record; see docs/journal.md.
#pragma once

#include "core/json.hpp"

namespace rollbackd {

/// 64 lower-case hexadecimal digits.
std::string sha256_hex(std::string_view bytes);

/// A record before the journal gave it a place: what the engine returns.
struct RecordDraft {
    std::string kind;  // "incident.opened"
    Json body;

    friend bool operator==(RecordDraft const&, RecordDraft const&) = default;
};

struct Record {
    std::uint64_t seq = 0;    // 1, 2, 3, … without gaps
    WallTime at{};            // wall time of the append
    Instant boot{};           // CLOCK_BOOTTIME of the append
    std::string boot_id;      // of the kernel that counted `boot`
    std::uint64_t epoch = 0;  // of the lease that wrote it
    std::string kind;
    std::string body;  // JSON text exactly as hashed
    std::string prev;  // hash of record seq-1; 64 zeros for the first
    std::string hash;

    friend bool operator==(Record const&, Record const&) = default;
};
BOOST_DESCRIBE_STRUCT(Record, (), (seq, at, boot, boot_id, epoch, kind, body, prev, hash))

/// The hash `record` should carry, from its other fields.
std::string hash_of(Record const& record);

inline constexpr std::string_view genesis_hash =
    "0000000000000000000000000000000000000000000000000000000000000000";

}  // namespace rollbackd

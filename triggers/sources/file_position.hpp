// A place in a file that outlives the file's name: known by device and inode, and by its first
// bytes where rotation copied it. Saved by follow.hpp with every checkpoint.
#pragma once

#include "core/json.hpp"
#include "triggers/sources/rotated.hpp"

namespace rollbackd {

inline constexpr std::size_t fingerprint_bytes_max = 256;

/// Where the reading of one file stands. `fingerprint` is the SHA-256 of its first bytes: an inode
/// number is given to the next file as soon as its old one is gone.
struct FilePosition {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t offset = 0;   // after the last line handed out
    bool skipping = false;      // inside a line above line_bytes_max
    std::int64_t modified = 0;  // nanoseconds; tells what was rotated away later
    std::uint64_t fingerprint_bytes = 0;
    std::string fingerprint;

    friend bool operator==(FilePosition const&, FilePosition const&) = default;
};
BOOST_DESCRIBE_STRUCT(
    FilePosition, (), (device, inode, offset, skipping, modified, fingerprint_bytes, fingerprint)
)

FilePosition position_of(
    FileFacts const& facts, std::uint64_t offset, bool skipping, std::string const& head
);

struct FoundFile {
    Fd fd;
    FileFacts facts;
    std::string head;  // the first bytes the position was known by
};

/// The file at `path` where it is the one of `position` and long enough: by its inode, or by its
/// first bytes alone (then there must be some).
std::optional<FoundFile> open_if(
    std::string const& path, FilePosition const& position, bool by_inode
);

/// Where rotation copied what is known by its beginning: the oldest such copy beside `path` made
/// since then, and one whose name tells of rotation before any other.
std::optional<FoundFile> find_copy(std::string const& path, FilePosition const& position);

/// The file of `position`: under its own name, renamed, or copied away before it was truncated.
std::optional<FoundFile> find_file(std::string const& path, FilePosition const& position);

}  // namespace rollbackd

// What stands beside a log: files that rotation moved or copied away from it. Used by follow.hpp to
// find the rest of a file whose name another one has taken.
#pragma once

#include "core/io/fd.hpp"
#include "core/time.hpp"

#include <vector>

namespace rollbackd {

inline constexpr std::size_t folder_entries_max = 4096;

struct FileFacts {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t modified = 0;  // nanoseconds since 1970

    bool same_file(FileFacts const& other) const {
        return device == other.device && inode == other.inode;
    }
};

/// Of the file the name leads to; Errc::not_found, forbidden, or io with the reason.
Result<FileFacts> facts_of(std::string const& path);
Result<FileFacts> facts_of(Fd const& file);
/// For reading, without waiting for a writer; only regular files.
Result<Fd> open_to_read(std::string const& path);
/// At most `bytes` from `offset`; fewer at the end of the file, none after it.
Result<std::string> read_at(Fd const& file, std::uint64_t offset, std::size_t bytes);

struct Sibling {
    std::string path;
    FileFacts facts;
    bool numbered = false;  // access.log.1, access.log-20260131, access-20260131.log
};

/// Whether rotation gives this name to what was called `base` (both without folder):
/// access.log.1, access.log-20260131, access-20260131.log. access-2.log is another log.
bool is_rotated_name(std::string const& name, std::string const& base);
/// By its ending: .gz, .xz and so on.
bool is_compressed_name(std::string_view name);

/// Regular files in the folder of `path` whose names begin like its own, without itself; by age of
/// their last change, oldest first. Compressed ones are left out.
std::vector<Sibling> siblings_of(std::string const& path);

}  // namespace rollbackd

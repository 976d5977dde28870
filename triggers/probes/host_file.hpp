// What a file or folder is just now: owner, mode, size, age, hash, how much a folder holds. Blocks;
// called in the pool. Private to this folder.
#pragma once

#include "core/time.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace rollbackd {

inline constexpr std::uint64_t counted_entries_max = 1'000'000;

enum class FolderDepth { none, entries, whole };

struct HostFile {
    bool exists = false;
    bool is_folder = false;
    std::uint64_t size = 0;
    unsigned mode = 0;  // permission bits alone
    std::string owner;  // names, or numbers that have none
    std::string group;
    WallTime modified;
    std::string sha256;         // where asked for
    std::uint64_t entries = 0;  // of a folder: directly in it, or with all below it
    std::uint64_t bytes = 0;    // with all below it
};

struct HostFileQuestion {
    std::string path;
    bool hash = false;
    FolderDepth depth = FolderDepth::none;
};

/// A file that is not there is an answer; Errc::forbidden, io and too_large are not.
Result<HostFile> facts_of_host_file(HostFileQuestion const& question);

}  // namespace rollbackd

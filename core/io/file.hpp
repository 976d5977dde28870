// Files, read with a bound and written whole or not at all. These functions block briefly; what is
// big or on a slow disk goes through the pool (blocking.hpp).
#pragma once

#include "core/error.hpp"

#include <sys/types.h>

#include <string>
#include <string_view>

namespace rollbackd {

/// The whole content; Errc::not_found, io, or too_large above `bytes_max`.
Result<std::string> read_file(std::string const& path, std::size_t bytes_max);

/// Replaces `path` by a file with this content: temporary file beside it, fsync, rename, fsync of
/// the directory. An existing file's owner and mode are kept, links are followed; a new one gets
/// `mode`. After a failure the old file is untouched.
Result<void> write_file_atomically(
    std::string const& path, std::string_view content, mode_t mode = 0644
);

/// Makes the names in `folder` durable.
Result<void> sync_folder(std::string const& folder);

/// Creates `path`, which must not exist (Errc::conflict), synced with its directory: a claim.
Result<void> create_file_exclusively(std::string const& path, std::string_view content);

/// 64 hexadecimal digits of the content's SHA-256; any size.
Result<std::string> sha256_of_file(std::string const& path);

}  // namespace rollbackd

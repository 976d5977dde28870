#include "triggers/sources/file_position.hpp"

#include "core/record.hpp"

namespace rollbackd {

namespace {

// The file's first bytes where they are those of `position`, and it is long enough.
std::optional<std::string> matching_head(
    Fd const& file, FileFacts const& facts, FilePosition const& position
) {
    if (facts.size < position.offset || facts.size < position.fingerprint_bytes ||
        position.fingerprint_bytes > fingerprint_bytes_max) {
        return std::nullopt;
    }
    auto head = read_at(file, 0, static_cast<std::size_t>(position.fingerprint_bytes));
    if (!head || sha256_hex(*head) != position.fingerprint) return std::nullopt;
    return std::move(*head);
}

}  // namespace

FilePosition position_of(
    FileFacts const& facts, std::uint64_t offset, bool skipping, std::string const& head
) {
    FilePosition position;
    position.device = facts.device;
    position.inode = facts.inode;
    position.offset = offset;
    position.skipping = skipping;
    position.modified = facts.modified;
    position.fingerprint_bytes = head.size();
    position.fingerprint = sha256_hex(head);
    return position;
}

std::optional<FoundFile> open_if(
    std::string const& path, FilePosition const& position, bool by_inode
) {
    auto file = open_to_read(path);
    if (!file) return std::nullopt;
    auto const facts = facts_of(*file);
    if (!facts) return std::nullopt;
    bool const same = facts->device == position.device && facts->inode == position.inode;
    // A copy is known by its first bytes alone, so there must be some.
    if (by_inode ? !same : position.fingerprint_bytes == 0) return std::nullopt;
    auto head = matching_head(*file, *facts, position);
    if (!head) return std::nullopt;
    return FoundFile{std::move(*file), *facts, std::move(*head)};
}

std::optional<FoundFile> find_copy(std::string const& path, FilePosition const& position) {
    auto const siblings = siblings_of(path);
    for (bool const numbered : {true, false}) {
        for (auto const& sibling : siblings) {
            if (sibling.numbered != numbered || sibling.facts.modified < position.modified)
                continue;
            if (auto found = open_if(sibling.path, position, false)) return found;
        }
    }
    return std::nullopt;
}

std::optional<FoundFile> find_file(std::string const& path, FilePosition const& position) {
    if (auto found = open_if(path, position, true)) return found;
    for (auto const& sibling : siblings_of(path)) {
        if (auto found = open_if(sibling.path, position, true)) return found;
    }
    if (auto found = find_copy(path, position)) return found;
    return open_if(path, position, false);
}

}  // namespace rollbackd

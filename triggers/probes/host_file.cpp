#include "triggers/probes/host_file.hpp"

#include "core/io/file.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace rollbackd {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t name_buffer_bytes = 16 * 1024;

std::string name_of_user(uid_t id) {
    std::array<char, name_buffer_bytes> buffer{};
    passwd entry{};
    passwd* found = nullptr;
    ::getpwuid_r(id, &entry, buffer.data(), buffer.size(), &found);
    return found == nullptr ? std::to_string(id) : found->pw_name;
}

std::string name_of_group(gid_t id) {
    std::array<char, name_buffer_bytes> buffer{};
    group entry{};
    group* found = nullptr;
    ::getgrgid_r(id, &entry, buffer.data(), buffer.size(), &found);
    return found == nullptr ? std::to_string(id) : found->gr_name;
}

WallTime time_of(timespec const& time) {
    auto const whole = std::chrono::seconds(time.tv_sec);
    return WallTime(whole + std::chrono::microseconds(time.tv_nsec / 1000));
}

tl::unexpected<Error> cannot(std::error_code const& code, std::string const& path) {
    auto const kind = code == std::errc::permission_denied ? Errc::forbidden : Errc::io;
    return fail(kind, code.message(), path);
}

/// What goes while we look is no trouble: a folder that grows also loses files.
bool is_gone(std::error_code const& code) { return code == std::errc::no_such_file_or_directory; }

Result<bool> count_folder(HostFileQuestion const& question, HostFile& facts) {
    std::error_code code;
    bool const whole = question.depth == FolderDepth::whole;
    fs::recursive_directory_iterator entry(question.path, code);
    if (code) return cannot(code, question.path);
    for (; entry != fs::recursive_directory_iterator(); entry.increment(code)) {
        if (code && !is_gone(code)) return cannot(code, question.path);
        if (++facts.entries > counted_entries_max) {
            return fail(
                Errc::too_large,
                "holds more than " + std::to_string(counted_entries_max) + " entries", question.path
            );
        }
        if (!whole) {
            entry.disable_recursion_pending();
            continue;
        }
        struct stat found{};
        if (::lstat(entry->path().c_str(), &found) != 0) continue;
        if (S_ISREG(found.st_mode)) facts.bytes += std::uint64_t(found.st_size);
    }
    if (code && !is_gone(code)) return cannot(code, question.path);
    return true;
}

}  // namespace

Result<HostFile> facts_of_host_file(HostFileQuestion const& question) {
    HostFile facts;
    struct stat found{};
    if (::stat(question.path.c_str(), &found) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) return facts;
        return cannot(std::error_code(errno, std::generic_category()), question.path);
    }
    facts.exists = true;
    facts.is_folder = S_ISDIR(found.st_mode);
    facts.size = std::uint64_t(found.st_size);
    facts.mode = found.st_mode & 07777U;
    facts.owner = name_of_user(found.st_uid);
    facts.group = name_of_group(found.st_gid);
    facts.modified = time_of(found.st_mtim);
    if (facts.is_folder && question.depth != FolderDepth::none) {
        if (auto counted = count_folder(question, facts); !counted) {
            return tl::unexpected<Error>(counted.error());
        }
    }
    if (!question.hash) return facts;
    auto hash = sha256_of_file(question.path);
    if (!hash) return tl::unexpected<Error>(hash.error());
    facts.sha256 = std::move(*hash);
    return facts;
}

}  // namespace rollbackd

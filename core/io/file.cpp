#include "core/io/file.hpp"

#include "core/io/fd.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace rollbackd {

namespace {

constexpr std::size_t piece_bytes = 64 * 1024;

tl::unexpected<Error> os_error(std::string const& what, std::string const& path) {
    int const code = errno;
    auto const kind = code == ENOENT   ? Errc::not_found
                      : code == EEXIST ? Errc::conflict
                      : code == EACCES ? Errc::forbidden
                                       : Errc::io;
    return fail(kind, what + ": " + std::strerror(code), path);
}

std::string folder_of(std::string const& path) {
    auto const slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

Result<void> write_all(int fd, std::string_view content, std::string const& path) {
    while (!content.empty()) {
        auto const written = ::write(fd, content.data(), content.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return os_error("cannot write", path);
        content.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::fsync(fd) != 0) return os_error("cannot sync", path);
    return {};
}

/// Where a link leads, so that the file is replaced and not the link.
std::string follow_links(std::string const& path) {
    std::unique_ptr<char, decltype(&std::free)> const real(
        ::realpath(path.c_str(), nullptr), &std::free
    );
    return real ? real.get() : path;
}

Result<void> keep_identity(int fd, struct stat const& old, std::string const& path) {
    struct stat made{};
    bool const same_owner =
        ::fstat(fd, &made) == 0 && made.st_uid == old.st_uid && made.st_gid == old.st_gid;
    if (!same_owner && ::fchown(fd, old.st_uid, old.st_gid) != 0) {
        return os_error("cannot keep the file's owner", path);
    }
    if (::fchmod(fd, old.st_mode & 07777) != 0) return os_error("cannot keep the mode", path);
    return {};
}

Result<void> fill(int fd, std::string_view content, std::string const& path, mode_t mode) {
    struct stat old{};
    if (::stat(path.c_str(), &old) == 0) {
        if (auto kept = keep_identity(fd, old, path); !kept) return kept;
    } else if (::fchmod(fd, mode) != 0) {
        return os_error("cannot set the mode", path);
    }
    return write_all(fd, content, path);
}

}  // namespace

Result<std::string> read_file(std::string const& path, std::size_t bytes_max) {
    Fd const fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd.is_open()) return os_error("cannot read", path);
    std::string content;
    std::array<char, piece_bytes> piece;
    while (true) {
        auto const length = ::read(fd.get(), piece.data(), piece.size());
        if (length < 0 && errno == EINTR) continue;
        if (length < 0) return os_error("cannot read", path);
        if (length == 0) return content;
        content.append(piece.data(), static_cast<std::size_t>(length));
        if (content.size() > bytes_max) {
            auto what = "is larger than " + std::to_string(bytes_max) + " bytes";
            return fail(Errc::too_large, std::move(what), path);
        }
    }
}

Result<void> write_file_atomically(std::string const& path, std::string_view content, mode_t mode) {
    auto const target = follow_links(path);
    auto const folder = folder_of(target);
    auto temporary = folder + "/.rollbackd-XXXXXX";
    Fd fd(::mkostemp(temporary.data(), O_CLOEXEC));
    if (!fd.is_open()) return os_error("cannot create a file in the folder", folder);
    auto done = fill(fd.get(), content, target, mode);
    if (done && ::rename(temporary.c_str(), target.c_str()) != 0) {
        done = os_error("cannot replace", target);
    }
    if (!done) {
        ::unlink(temporary.c_str());
        return done;
    }
    return sync_folder(folder);
}

Result<void> sync_folder(std::string const& folder) {
    Fd const fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.is_open() || ::fsync(fd.get()) != 0) return os_error("cannot sync the folder", folder);
    return {};
}

Result<void> create_file_exclusively(std::string const& path, std::string_view content) {
    Fd const fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd.is_open()) return os_error("cannot create", path);
    if (auto written = write_all(fd.get(), content, path); !written) return written;
    return sync_folder(folder_of(path));
}

Result<std::string> sha256_of_file(std::string const& path) {
    Fd const fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd.is_open()) return os_error("cannot read", path);
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> const hash(
        EVP_MD_CTX_new(), &EVP_MD_CTX_free
    );
    EVP_DigestInit_ex(hash.get(), EVP_sha256(), nullptr);
    std::array<char, piece_bytes> piece;
    while (true) {
        auto const length = ::read(fd.get(), piece.data(), piece.size());
        if (length < 0 && errno == EINTR) continue;
        if (length < 0) return os_error("cannot read", path);
        if (length == 0) break;
        EVP_DigestUpdate(hash.get(), piece.data(), static_cast<std::size_t>(length));
    }
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
    unsigned length = 0;
    EVP_DigestFinal_ex(hash.get(), digest.data(), &length);
    std::string out;
    for (unsigned i = 0; i < length; ++i) {
        constexpr std::string_view digits = "0123456789abcdef";
        out += {digits[digest[i] >> 4], digits[digest[i] & 15]};
    }
    return out;
}

}  // namespace rollbackd

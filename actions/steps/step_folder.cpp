#include "actions/steps/step_folder.hpp"

#include "core/io/file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>

namespace rollbackd {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t id_bytes = 16;
constexpr std::string_view digits = "0123456789abcdef";

Result<Fd> lock_folder(std::string const& folder) {
    Fd lock(::open((folder + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock.is_open()) return fail(Errc::io, std::strerror(errno), folder + "/lock");
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
    return fail(
        Errc::conflict, "another rollbackd keeps its steps there; give this one its own run_dir",
        folder
    );
}

Result<std::string> random_id(std::string const& place) {
    std::array<unsigned char, id_bytes> bytes{};
    if (::getrandom(bytes.data(), bytes.size(), 0) != ssize_t(bytes.size())) {
        return fail(Errc::io, "the kernel gives no random bytes", place);
    }
    std::string out;
    for (auto const byte : bytes) {
        out += digits[byte >> 4U];
        out += digits[byte & 15U];
    }
    return out;
}

bool is_id(std::string const& text) {
    return text.size() == 2 * id_bytes && text.find_first_not_of(digits) == text.npos;
}

// One that a crash cut short names nothing yet: no step began under it.
Result<std::string> id_of(std::string const& folder) {
    auto const file = folder + "/node";
    auto known = read_file(file, 4096);
    if (known && is_id(*known)) return known;
    if (!known && known.error().code != Errc::not_found) return known;
    auto made = random_id(file);
    if (!made) return made;
    if (auto written = write_file_atomically(file, *made, 0600); !written) {
        return tl::unexpected<Error>(written.error());
    }
    return made;
}

}  // namespace

Result<std::shared_ptr<StepFolder const>> open_step_folder(std::string const& path) {
    std::error_code code;
    bool const made = fs::create_directories(path, code);
    if (!code) (void)::chmod(path.c_str(), 0700);
    if (code || ::access(path.c_str(), W_OK | X_OK) != 0) {
        return fail(
            Errc::io, "not a folder this user can write to; steps keep their claims there", path
        );
    }
    if (auto synced = made ? sync_folder(path + "/..") : Result<void>(); !synced) {
        return tl::unexpected<Error>(synced.error());
    }
    auto lock = lock_folder(path);
    if (!lock) return tl::unexpected<Error>(lock.error());
    auto id = id_of(path);
    if (!id) return tl::unexpected<Error>(id.error());
    auto folder = std::make_shared<StepFolder>();
    folder->path = path;
    folder->id = *std::move(id);
    folder->lock = *std::move(lock);
    return std::shared_ptr<StepFolder const>(std::move(folder));
}

}  // namespace rollbackd

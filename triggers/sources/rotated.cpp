#include "triggers/sources/rotated.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace rollbackd {

namespace {

namespace fs = std::filesystem;

FileFacts facts_from(struct stat const& found) {
    FileFacts facts;
    facts.device = found.st_dev;
    facts.inode = found.st_ino;
    facts.size = static_cast<std::uint64_t>(found.st_size);
    facts.modified = std::int64_t(found.st_mtim.tv_sec) * 1'000'000'000 + found.st_mtim.tv_nsec;
    return facts;
}

tl::unexpected<Error> os_failure(int error, std::string const& path) {
    if (error == ENOENT || error == ENOTDIR) {
        return fail(Errc::not_found, "no such file; waiting for it", path);
    }
    if (error == EACCES || error == EPERM) {
        return fail(
            Errc::forbidden,
            "may not be read; let the user of rollbackd read it (usually: add it to group adm)",
            path
        );
    }
    return fail(Errc::io, std::strerror(error), path);
}

bool is_number(std::string_view middle) {
    return !middle.empty() && middle.find_first_not_of("0123456789._-TZ") == middle.npos;
}

// Of two files last changed at once: access.log.2 is older than access.log.1, but
// access.log-20260130 older than access.log-20260131.
bool older_by_name(std::string const& a, std::string const& b) {
    auto const counter = [](std::string const& name) {
        auto const dot = name.rfind('.');
        auto const digits = dot == name.npos ? "" : name.substr(dot + 1);
        bool const counts = !digits.empty() && digits.size() < 5 &&
                            digits.find_first_not_of("0123456789") == digits.npos;
        return counts ? std::stoi(digits) : -1;
    };
    int const of_a = counter(a), of_b = counter(b);
    return of_a >= 0 && of_b >= 0 ? of_a > of_b : a < b;
}

// A date or a time before the ending: with fewer digits, shop-2.log is a log beside shop.log.
bool is_date(std::string_view middle) {
    constexpr std::ptrdiff_t digits_min = 6;
    auto const is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (middle.empty() || is_digit(middle.front())) return false;
    return middle.front() == '.' ||
           std::count_if(middle.begin(), middle.end(), is_digit) >= digits_min;
}

}  // namespace

bool is_rotated_name(std::string const& name, std::string const& base) {
    if (name.size() <= base.size()) return false;
    if (name.starts_with(base) && is_number(std::string_view(name).substr(base.size())))
        return true;
    auto const dot = base.rfind('.');
    if (dot == std::string::npos || dot == 0) return false;
    auto const stem = std::string_view(base).substr(0, dot);
    auto const extension = std::string_view(base).substr(dot);
    if (!name.starts_with(stem) || !name.ends_with(extension)) return false;
    auto const middle = std::string_view(name).substr(dot, name.size() - base.size());
    return is_number(middle) && is_date(middle);
}

bool is_compressed_name(std::string_view name) {
    constexpr std::array<std::string_view, 5> endings{".gz", ".bz2", ".xz", ".zst", ".lz4"};
    return std::any_of(endings.begin(), endings.end(), [&](auto ending) {
        return name.ends_with(ending);
    });
}

Result<FileFacts> facts_of(std::string const& path) {
    struct stat found{};
    if (stat(path.c_str(), &found) != 0) return os_failure(errno, path);
    return facts_from(found);
}

Result<FileFacts> facts_of(Fd const& file) {
    struct stat found{};
    if (fstat(file.get(), &found) != 0) return os_failure(errno, "");
    return facts_from(found);
}

Result<Fd> open_to_read(std::string const& path) {
    Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!file.is_open()) return os_failure(errno, path);
    struct stat found{};
    if (fstat(file.get(), &found) != 0) return os_failure(errno, path);
    if (!S_ISREG(found.st_mode)) {
        return fail(Errc::io, "is not a regular file; let the server log into a file", path);
    }
    return file;
}

Result<std::string> read_at(Fd const& file, std::uint64_t offset, std::size_t bytes) {
    std::string text(bytes, '\0');
    std::size_t done = 0;
    while (done < bytes) {
        auto const got =
            pread(file.get(), text.data() + done, bytes - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return os_failure(errno, "");
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    text.resize(done);
    return text;
}

std::vector<Sibling> siblings_of(std::string const& path) {
    fs::path const whole(path);
    auto const base = whole.filename().string(), stem = whole.stem().string();
    std::vector<Sibling> found;
    std::error_code code;
    std::size_t seen = 0;
    fs::directory_iterator entry(whole.parent_path(), code), end;
    for (; !code && entry != end && ++seen <= folder_entries_max; entry.increment(code)) {
        auto const name = entry->path().filename().string();
        std::error_code ignored;  // gone meanwhile: then it is not there
        if (name == base || !name.starts_with(stem) || is_compressed_name(name) ||
            !entry->is_regular_file(ignored)) {
            continue;
        }
        auto const facts = facts_of(entry->path().string());
        if (facts) found.push_back({entry->path().string(), *facts, is_rotated_name(name, base)});
    }
    std::sort(found.begin(), found.end(), [](Sibling const& a, Sibling const& b) {
        if (a.facts.modified != b.facts.modified) return a.facts.modified < b.facts.modified;
        return older_by_name(a.path, b.path);
    });
    return found;
}

}  // namespace rollbackd

// disk: bytes and inodes of the file system a path lies on. A gauge. Shares are those of df: what
// is kept for the superuser counts as gone.
#include "triggers/probes/measures.hpp"
#include "triggers/probes/place.hpp"
#include "triggers/probes/types.hpp"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <cstring>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

TypeInfo disk_info() {
    TypeInfo info;
    info.name = "disk";
    info.doc = "Space and inodes of the file system that a path lies on.";
    info.kind = "gauge";
    info.is_probe = true;
    info.fields = {
        {.name = "path",
         .type = FieldType::path,
         .doc = "A mount point, or anything on the file system.",
         .required = true},
        {.name = "measure",
         .type = FieldType::choice,
         .doc = "used, inodes_used: shares; free: bytes; inodes_free: how many.",
         .otherwise = "used",
         .choices = {"used", "free", "inodes_used", "inodes_free"}},
        {.name = "mounted",
         .type = FieldType::boolean,
         .doc = "The path must be a mount point; otherwise the number is unknown, and not that of "
                "the disk below.",
         .otherwise = false},
    };
    return info;
}

std::vector<Error> check_disk(JsonObject const&) { return {}; }

struct DiskFacts {
    std::uint64_t total = 0;      // bytes
    std::uint64_t free = 0;       // with what is kept for the superuser
    std::uint64_t available = 0;  // without it
    std::uint64_t inodes = 0;     // 0: the file system does not count them
    std::uint64_t inodes_free = 0;
    bool is_mount_point = false;
};

tl::unexpected<Error> os_error(std::string const& path) {
    auto const code = errno;
    auto const kind = code == ENOENT   ? Errc::not_found
                      : code == EACCES ? Errc::forbidden
                                       : Errc::io;
    return fail(kind, std::strerror(code), path);
}

Result<DiskFacts> look_at(std::string const& path) {
    struct statvfs facts{};
    if (::statvfs(path.c_str(), &facts) != 0) return os_error(path);
    struct stat here{};
    struct stat above{};
    if (::stat(path.c_str(), &here) != 0) return os_error(path);
    DiskFacts out;
    auto const block = std::uint64_t(facts.f_frsize);
    out.total = facts.f_blocks * block;
    out.free = facts.f_bfree * block;
    out.available = facts.f_bavail * block;
    out.inodes = facts.f_files;
    out.inodes_free = facts.f_favail;
    if (!S_ISDIR(here.st_mode) || ::stat((path + "/..").c_str(), &above) != 0) return out;
    // The root of everything is its own parent.
    out.is_mount_point = here.st_dev != above.st_dev || here.st_ino == above.st_ino;
    return out;
}

class DiskProbe final : public Probe {
public:
    DiskProbe(JsonObject const& params, ProbeContext const& context) : place_(context) {
        Json const all(params);
        path_ = text_of(all, "path");
        measure_ = text_of(all, "measure", "used");
        auto const* const mounted = find(all, "mounted");
        mounted_ = mounted != nullptr && mounted->is_bool() && mounted->get_bool();
    }

    asio::awaitable<ProbeAnswer> ask(Duration timeout) override {
        auto job = [path = path_]() -> Result<DiskFacts> { return look_at(path); };
        auto const facts = co_await place_.look(std::move(job), timeout);
        if (!facts) co_return unknown_answer(trouble_of(facts.error()));
        co_return answer(*facts);
    }

private:
    ProbeAnswer answer(DiskFacts const& facts) const {
        if (mounted_ && !facts.is_mount_point) {
            return unknown_answer("not_mounted: nothing is mounted at " + path_);
        }
        if (measure_.starts_with("inodes")) return inodes(facts);
        auto const used = facts.total - facts.free;
        auto const usable = used + facts.available;
        if (usable == 0) return unknown_answer("no_space: " + path_ + " is on no disk");
        auto const share = double(used) / double(usable);
        auto const reason = shown_share(share) + " used, " + shown_bytes(facts.available) + " of " +
                            shown_bytes(usable) + " free";
        return number_answer(measure_ == "free" ? double(facts.available) : share, reason);
    }

    ProbeAnswer inodes(DiskFacts const& facts) const {
        if (facts.inodes == 0) {
            return unknown_answer(
                "no_inodes: the file system of " + path_ + " does not count them"
            );
        }
        auto const free = double(facts.inodes_free);
        auto const share = 1 - free / double(facts.inodes);
        auto const reason = std::to_string(facts.inodes_free) + " of " +
                            std::to_string(facts.inodes) + " inodes free";
        return number_answer(measure_ == "inodes_free" ? free : share, reason);
    }

    std::string path_;
    std::string measure_;
    bool mounted_ = false;
    Place place_;
};

std::unique_ptr<Probe> make_disk(SignalPolicy const& signal, ProbeContext const& context) {
    return std::make_unique<DiskProbe>(signal.params, context);
}

}  // namespace

ProbeType disk_probe() { return ProbeType{disk_info(), &check_disk, &make_disk}; }

}  // namespace rollbackd

#include "actions/steps/supervisor/step_dir.hpp"

#include <sys/inotify.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>

namespace rollbackd {

namespace files = step_files;

namespace {

/// Both outputs of a usual step, and what else an exit record says. A question may ask for more; on
/// a full disk it then has no answer, and may be asked again.
constexpr std::size_t exit_room_max = 160 * 1024;

std::size_t exit_room(StepSpec const& spec) {
    constexpr std::size_t rest = 8 * 1024;
    return std::min(2 * std::min(spec.output_max, exit_room_max) + rest, exit_room_max);
}

std::string exit_temporary() { return "exit." + std::to_string(getpid()); }

bool write_all(int file, std::string_view content) {
    while (!content.empty()) {
        auto const count = write(file, content.data(), content.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        content.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

}  // namespace

StepDir::StepDir(char const* path) : fd_(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}

StepDir::~StepDir() {
    if (fd_ >= 0) close(fd_);
}

std::optional<StepSpec> StepDir::read_spec() const {
    auto const text = files::read_at(fd_, files::spec_name);
    auto const pairs = text ? files::decode(*text) : std::nullopt;
    if (!pairs || files::value_of(*pairs, "format") != "1") return std::nullopt;
    StepSpec spec;
    for (auto const& [key, value] : *pairs) {
        if (key == "argv") spec.argv.push_back(value);
        if (key == "env") spec.env.push_back(value);
    }
    if (auto const cwd = files::value_of(*pairs, "cwd"); !cwd.empty()) spec.cwd = cwd;
    spec.timeout_ms = files::number_of(*pairs, "timeout_ms").value_or(spec.timeout_ms);
    spec.grace_ms = files::number_of(*pairs, "grace_ms").value_or(spec.grace_ms);
    spec.output_max = static_cast<std::size_t>(
        files::number_of(*pairs, "output_max").value_or(static_cast<long long>(spec.output_max))
    );
    spec.boot_id = files::value_of(*pairs, "boot");
    spec.has_input = files::value_of(*pairs, "input") == "1";
    // The last pair says that the file is whole.
    if (spec.argv.empty() || pairs->back().first != "end") return std::nullopt;
    return spec;
}

bool StepDir::is_claimed() const { return faccessat(fd_, files::claim_name, F_OK, 0) == 0; }

Claim StepDir::claim(StepSpec const& spec) const {
    auto const self = getpid();
    files::ProcessMark const mark{self, files::start_ticks_of(self).value_or(0), spec.boot_id};
    auto const temporary = "claim." + std::to_string(self);
    int const file = reserve(exit_temporary().c_str(), exit_room(spec))
                         ? write_new(temporary.c_str(), files::encode(mark))
                         : -1;
    int const linked = file < 0 ? -1 : linkat(fd_, temporary.c_str(), fd_, files::claim_name, 0);
    bool const taken = file >= 0 && linked != 0 && errno == EEXIST;
    unlinkat(fd_, temporary.c_str(), 0);
    if (linked != 0) unlinkat(fd_, exit_temporary().c_str(), 0);
    // Last, so that one commit of the file system holds it all. After a power cut in between the
    // claim may be there without its content: nothing was begun on it, and nobody relies on that.
    bool const synced = linked == 0 && fsync(file) == 0 && files::sync_up(fd_);
    if (file >= 0) close(file);
    if (linked != 0) return taken ? Claim::taken : Claim::failed;
    return synced ? Claim::ours : Claim::unsynced;
}

void StepDir::remove_spec() const {
    unlinkat(fd_, files::spec_name, 0);
    unlinkat(fd_, files::input_name, 0);
}

int StepDir::open_input(StepSpec const& spec) const {
    if (!spec.has_input) return open("/dev/null", O_RDONLY | O_CLOEXEC);
    return openat(fd_, files::input_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

bool StepDir::is_abort_asked() const { return faccessat(fd_, files::abort_name, F_OK, 0) == 0; }

void StepDir::write_child(StepSpec const& spec, pid_t pid) const {
    files::ProcessMark const mark{pid, files::start_ticks_of(pid).value_or(0), spec.boot_id};
    // Needs no sync: it only matters while this kernel runs. Without it a supervisor that is
    // killed leaves a child nobody waits for; the step is unknown either way.
    auto const temporary = "child." + std::to_string(getpid());
    int const file = write_new(temporary.c_str(), files::encode(mark));
    if (file < 0) return;
    close(file);
    renameat(fd_, temporary.c_str(), fd_, files::child_name);
}

void StepDir::write_live(int& file, step_files::Pairs const& record) const {
    if (file < 0) {
        file = openat(fd_, files::live_name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    }
    auto const content = files::encode(record);
    // In place: a name for each time would be a commit of the file system's journal each.
    if (file >= 0) (void)!pwrite(file, content.data(), content.size(), 0);
}

bool StepDir::write_exit(step_files::Pairs const& record) const {
    auto const temporary = exit_temporary();
    auto const content = files::encode(record);
    // Over the room that was taken for it: to truncate first would give it back.
    int const file =
        openat(fd_, temporary.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) return false;
    bool good = write_all(file, content) &&
                ftruncate(file, static_cast<off_t>(content.size())) == 0 && fsync(file) == 0;
    good = close(file) == 0 && good;
    return good && renameat(fd_, temporary.c_str(), fd_, files::exit_name) == 0 && fsync(fd_) == 0;
}

int StepDir::watch(char const* path) const {
    int const watcher = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watcher >= 0 && inotify_add_watch(watcher, path, IN_CREATE | IN_MOVED_TO) < 0) {
        close(watcher);
        return -1;
    }
    return watcher;
}

int StepDir::write_new(char const* name, std::string_view content) const {
    int const file = openat(fd_, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0 || write_all(file, content)) return file;
    close(file);
    return -1;
}

bool StepDir::reserve(char const* name, std::size_t bytes) const {
    int const file = openat(fd_, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) return false;
    bool const taken = posix_fallocate(file, 0, static_cast<off_t>(bytes)) == 0;
    return close(file) == 0 && taken;
}

}  // namespace rollbackd

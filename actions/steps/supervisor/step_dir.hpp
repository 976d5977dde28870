// The supervisor's side of a step's directory: claim it once, write the end once.
#pragma once

#include "actions/steps/supervisor/step_files.hpp"

#include <string>
#include <vector>

namespace rollbackd {

struct StepSpec {
    std::vector<std::string> argv;
    std::vector<std::string> env;  // NAME=value, all of it
    std::string cwd = "/";
    long long timeout_ms = 0;   // 0: none
    long long grace_ms = 5000;  // between SIGTERM and SIGKILL
    std::size_t output_max = 64 * 1024;
    bool has_input = false;
    /// The boot as the daemon sees it, for the marks it will compare: in a container that lends out
    /// a boot id of its own, a unit's sandbox may show the daemon another one than it shows us.
    std::string boot_id;
};

enum class Claim {
    ours,
    taken,     // somebody else has begun, or begun and ended
    failed,    // nobody has, and the disk does not let us
    unsynced,  // ours, but perhaps not after a power cut: nothing may be started on it
};

class StepDir {
public:
    explicit StepDir(char const* path);
    ~StepDir();
    StepDir(StepDir const&) = delete;
    StepDir& operator=(StepDir const&) = delete;

    bool is_open() const { return fd_ >= 0; }
    /// nullopt: no whole spec there.
    std::optional<StepSpec> read_spec() const;
    bool is_claimed() const;
    /// Durable when it returns `ours`. The file appears with its content or not at all, so that
    /// whoever finds a claim also finds whose it is. Room for the end is taken first: on a disk
    /// that is full by then it can still be written down.
    Claim claim(StepSpec const& spec) const;
    /// Neither is needed after the claim, and both may hold secrets.
    void remove_spec() const;
    /// The standard input to give the child; /dev/null where the spec has none.
    int open_input(StepSpec const& spec) const;
    bool is_abort_asked() const;
    void write_child(StepSpec const& spec, pid_t pid) const;
    /// For onlookers: neither durable nor certain. `file` is kept open between calls, -1 at first.
    void write_live(int& file, step_files::Pairs const& record) const;
    /// Durable when true. Temporary file, sync, rename, sync of the directory.
    bool write_exit(step_files::Pairs const& record) const;
    /// An inotify descriptor that reports new files here, or -1: then only signals can abort.
    int watch(char const* path) const;

private:
    /// Its descriptor, to be closed; -1: not written whole.
    int write_new(char const* name, std::string_view content) const;
    bool reserve(char const* name, std::size_t bytes) const;

    int fd_;
};

}  // namespace rollbackd

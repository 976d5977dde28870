// How supervisors are started: as transient units of systemd, outside the daemon's sandbox and
// control group, where the daemon is a unit and allowed to; in sessions of their own otherwise.
#pragma once

#include "core/io/blocking.hpp"
#include "core/io/process.hpp"

namespace rollbackd {

class Launcher {
public:
    Launcher(boost::asio::any_io_executor executor, std::string supervisor, bool use_systemd);

    /// Decides, once. Until then sessions are used. Answers a sentence or several for people: where
    /// steps run, as whom, and what cannot work there.
    boost::asio::awaitable<std::string> probe();

    /// Started: the supervisor as our child, or nullopt where systemd is its parent.
    boost::asio::awaitable<Result<std::optional<Child>>> start(std::string directory);

    bool through_systemd() const { return through_systemd_; }

    /// Processes and threads a step may have at once, as a unit (systemd's TasksMax=): more than
    /// any build or restore takes, and no harm to the machine.
    static constexpr int tasks_max = 4096;

    /// For what this process must have on disk before it does a step itself: a disk may take its
    /// time, the loop may not.
    BlockingPool& disk() { return disk_; }

private:
    boost::asio::awaitable<Result<std::optional<Child>>> start_unit(std::string directory);

    boost::asio::any_io_executor executor_;
    std::string supervisor_;
    bool use_systemd_;
    bool through_systemd_ = false;
    BlockingPool disk_;
};

/// What a unit's own settings (the output of `systemctl show`) make impossible for steps inside it.
std::string sandbox_warnings(std::string_view shown, std::string_view unit);

}  // namespace rollbackd

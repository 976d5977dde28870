// Where a probe of a host looks: on this machine. System tools are run as child processes, small
// files are read in the pool, so that a mount that hangs holds up nobody but its own probe.
// Private to this folder.
#pragma once

#include "core/io/blocking.hpp"
#include "core/io/process.hpp"
#include "triggers/probes/answers.hpp"

namespace rollbackd {

inline constexpr std::size_t tool_output_max = 4U << 20U;
inline constexpr std::size_t host_file_max = 1U << 20U;

class Place {
public:
    explicit Place(ProbeContext const& context) : pool_(context.files) {}

    /// The end of a tool that could be started and came to its end in time; its exit is any. None
    /// is started while an earlier one cannot be ended.
    boost::asio::awaitable<Result<ProcessResult>> run(
        std::vector<std::string> argv, Duration limit
    );
    boost::asio::awaitable<Result<ProcessResult>> run(ProcessSpec spec);
    /// What a tool printed that ended well; an Error with what it complained about otherwise.
    boost::asio::awaitable<Result<std::string>> output_of(
        std::vector<std::string> argv, Duration limit
    );
    /// A small file whole, or Errc::not_found, forbidden, too_large.
    boost::asio::awaitable<Result<std::string>> read(std::string path, Duration limit);

    /// Runs `job`, which may block, in the pool; never a second one while the first one hangs.
    template <class Fn>
    boost::asio::awaitable<std::invoke_result_t<Fn>> look(Fn job, Duration limit) {
        if (!running_.expired()) {
            co_return fail(Errc::timeout, "the last look at it has not come to its end yet");
        }
        auto token = std::make_shared<int>(0);
        running_ = token;
        auto guarded = [job = std::move(job), token = std::move(token)] { return job(); };
        co_return co_await run_blocking(pool_, std::move(guarded), limit);
    }

private:
    BlockingPool& pool_;
    std::weak_ptr<int> running_;
    int stray_ = 0;
};

}  // namespace rollbackd

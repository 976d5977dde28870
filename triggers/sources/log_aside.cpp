#include "triggers/sources/log_aside.hpp"

#include "core/io/clock.hpp"
#include "core/io/task_group.hpp"

#include <fcntl.h>
#include <utility>

namespace rollbackd {

namespace asio = boost::asio;

/// What the thread works on. Made on the loop, where it touches no file yet.
class LogAside::Files {
public:
    Files(std::string path, Json saved, Read read, Fd events)
        : path_(std::move(path)),
          saved_(std::move(saved)),
          read_(std::move(read)),
          watched_(std::move(events)) {}

    Seen look(Now now, bool first) {
        Seen seen;
        if (auto const open = begin(now.boot); !open) {
            if (saved_.is_object()) seen.saved = saved_.get_object();
            seen.status.text = to_string(open.error());
            seen.status.caught_up = true;  // nothing to be had just now
            return seen;
        }
        watched_.arm(files_->paths());
        if (!first) {
            seen.samples = files_->read(now, [&](std::string const& line, Sample& sample) {
                return read_(line, now, sample);
            });
        }
        seen.saved = files_->save();
        seen.status = files_->status();
        return seen;
    }

private:
    /// A place that cannot be looked at just now would be taken for one where nothing is any more,
    /// and the whole log for a new one.
    Result<void> begin(Instant now) {
        if (files_) return {};
        auto visible = LogFiles::visible(path_, saved_);
        if (!visible) return visible;
        files_.emplace(path_, saved_, now);
        visible = LogFiles::visible(path_, saved_);
        if (!visible) files_.reset();
        return visible;
    }

    std::string path_;
    Json saved_;
    Read read_;
    WatchedFiles watched_;
    std::optional<LogFiles> files_;
};

namespace {

Fd another_of(int descriptor) {
    return Fd(descriptor < 0 ? descriptor : ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
}

}  // namespace

LogAside::LogAside(
    std::string path, Json saved, Read read, asio::any_io_executor executor, Clock const& clock
)
    : path_(path),
      clock_(clock),
      watch_(std::move(executor)),
      files_(std::make_shared<Files>(
          std::move(path), saved, std::move(read), another_of(watch_.descriptor())
      )) {
    if (saved.is_object()) last_.saved = std::move(saved.get_object());
}

LogAside::~LogAside() {
    // Closing a file asks its mount too.
    thread_.leave([files = std::move(files_)]() mutable { files.reset(); });
}

asio::awaitable<Result<std::vector<Sample>>> LogAside::look(bool first) {
    auto const now = clock_.now();
    auto job = [files = files_, now, first]() -> Result<Seen> { return files->look(now, first); };
    looking_since_ = now.boot;
    auto seen = co_await run_blocking(thread_, std::move(job));
    looking_since_.reset();
    if (!seen) {
        over_ = over_ || seen.error().code == Errc::cancelled;
        last_.status.reading = false;
        last_.status.text = to_string(seen.error());
        co_return tl::unexpected<Error>(std::move(seen.error()));
    }
    auto samples = std::move(seen->samples);
    last_ = std::move(*seen);
    co_return samples;
}

asio::awaitable<void> LogAside::begin() {
    (void)co_await look(true);  // status() says what came of it, and the next look asks again
}

asio::awaitable<Result<std::vector<Sample>>> LogAside::next_batch() {
    while (!over_ && !co_await is_cancelled()) {
        auto samples = co_await look(false);
        if (!samples || !samples->empty()) co_return samples;
        if (last_.status.caught_up) co_await watch_.wait();
    }
    co_return fail(Errc::cancelled, "told to stop");
}

SourceStatus LogAside::status() const {
    auto status = last_.status;
    if (!looking_since_ || clock_.now().boot - *looking_since_ < log_look_max) return status;
    status.reading = false;
    status.caught_up = false;
    status.since = looking_since_;
    status.text = "timeout: " + path_ +
                  ": the last look at it has not come to its end yet; it is read on from where "
                  "it was once its mount answers";
    return status;
}

}  // namespace rollbackd

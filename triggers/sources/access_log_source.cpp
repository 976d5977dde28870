#include "triggers/sources/access_log_source.hpp"

#include "core/io/clock.hpp"
#include "core/io/task_group.hpp"
#include "triggers/sources/access_log_match.hpp"
#include "triggers/sources/file_watch.hpp"
#include "triggers/sources/log_files.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

class AccessLogSource final : public Source {
public:
    AccessLogSource(
        std::string path, AccessLogReader reader, LogFiles files,
        asio::any_io_executor const& executor, Clock const& clock
    )
        : path_(std::move(path)),
          reader_(std::move(reader)),
          files_(std::move(files)),
          watch_(executor),
          clock_(clock) {}

    asio::awaitable<Result<std::vector<Sample>>> next_batch() override {
        auto const executor = co_await asio::this_coro::executor;
        while (!co_await is_cancelled()) {
            // A long backlog takes its turn with everything else on this loop.
            if (!files_.caught_up()) co_await asio::post(executor, asio::use_awaitable);
            watch_.arm(files_.paths());
            auto samples = read();
            if (!samples.empty()) co_return samples;
            if (files_.caught_up()) co_await watch_.wait();
        }
        co_return fail(Errc::cancelled, "told to stop");
    }

    Json save() const override {
        auto saved = files_.save();
        saved["path"] = path_;
        return saved;
    }

    SourceStatus status() const override { return files_.status(); }

private:
    std::vector<Sample> read() {
        auto const now = clock_.now();
        return files_.read(now, [&](std::string const& line, Sample& sample) {
            return reader_.read(line, now, sample);
        });
    }

    std::string path_;
    AccessLogReader reader_;
    LogFiles files_;
    FileWatch watch_;
    Clock const& clock_;
};

}  // namespace

Result<std::unique_ptr<Source>> make_access_log_source(
    std::string const& service, SignalPolicy const& signal, asio::any_io_executor executor,
    Clock const& clock, Json const& saved
) {
    auto reader = AccessLogReader::make(service, signal);
    if (!reader) return tl::unexpected<Error>(reader.error());
    Json const parameters(signal.params);
    auto const path = text_of(parameters, "path");
    if (path.empty()) return fail(Errc::invalid, "expected the log's file name", "path");
    // A position in another file is of no use in this one.
    auto const known = text_of(saved, "path") == path ? saved : Json();
    LogFiles files(path, known, clock.now().boot);
    return std::make_unique<AccessLogSource>(
        path, std::move(*reader), std::move(files), executor, clock
    );
}

}  // namespace rollbackd

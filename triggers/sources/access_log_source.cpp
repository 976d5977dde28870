#include "triggers/sources/access_log_source.hpp"

#include "core/io/clock.hpp"
#include "core/io/task_group.hpp"
#include "triggers/sources/access_log_match.hpp"
#include "triggers/sources/file_watch.hpp"
#include "triggers/sources/follow.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

class AccessLogSource final : public Source {
public:
    AccessLogSource(
        std::string path, AccessLogReader reader, FileFollower follower, FileWatch watch,
        Clock const& clock
    )
        : path_(std::move(path)),
          reader_(std::move(reader)),
          follower_(std::move(follower)),
          watch_(std::move(watch)),
          clock_(clock) {}

    asio::awaitable<Result<std::vector<Sample>>> next_batch() override {
        auto const executor = co_await asio::this_coro::executor;
        while (!co_await is_cancelled()) {
            // A long backlog takes its turn with everything else on this loop.
            if (!status_.caught_up) co_await asio::post(executor, asio::use_awaitable);
            watch_.arm();
            auto samples = read();
            if (!samples.empty()) co_return samples;
            if (status_.caught_up) co_await watch_.wait();
        }
        co_return fail(Errc::cancelled, "told to stop");
    }

    Json save() const override {
        JsonObject saved;
        saved["path"] = path_;
        saved["position"] = to_json(follower_.save());
        return saved;
    }

    SourceStatus status() const override {
        SourceStatus status = status_;
        status.reading = follower_.problem().empty();
        status.text = follower_.problem();
        status.too_long = follower_.too_long();
        status.lost = follower_.lost();
        return status;
    }

private:
    std::vector<Sample> read() {
        auto const now = clock_.now();
        auto const batch = follower_.read_batch(source_batch_max, now.boot);
        status_.caught_up = !batch.more;
        status_.lines += batch.lines.size();
        std::vector<Sample> samples;
        for (auto const& line : batch.lines) {
            Sample sample;
            switch (reader_.read(line, now, sample)) {
                case LineFate::sample:
                    samples.push_back(std::move(sample));
                    break;
                case LineFate::unmatched:
                    ++status_.unmatched;
                    break;
                case LineFate::no_status:
                    ++status_.no_status;
                    break;
                case LineFate::unreadable:
                    ++status_.unreadable;
                    break;
            }
        }
        status_.samples += samples.size();
        return samples;
    }

    std::string path_;
    AccessLogReader reader_;
    FileFollower follower_;
    FileWatch watch_;
    Clock const& clock_;
    SourceStatus status_;
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
    auto const* const position = text_of(saved, "path") == path ? find(saved, "position") : nullptr;
    auto const known = read_json<FollowPosition>(position == nullptr ? Json() : *position);
    auto follower = known ? FileFollower(path, *known) : FileFollower(path);
    FileWatch watch(std::move(executor), path);
    return std::make_unique<AccessLogSource>(
        path, std::move(*reader), std::move(follower), std::move(watch), clock
    );
}

}  // namespace rollbackd

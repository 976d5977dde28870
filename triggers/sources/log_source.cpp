#include "triggers/sources/log_source.hpp"

#include "core/io/clock.hpp"
#include "core/io/deadline.hpp"
#include "core/io/secrets.hpp"
#include "core/io/task_group.hpp"
#include "triggers/sources/file_watch.hpp"
#include "triggers/sources/follow.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

/// Between two questions for what is new in a journal or a container's log.
constexpr Duration feed_every = std::chrono::seconds(1);
constexpr Duration feed_every_in_trouble = std::chrono::seconds(3);

/// What both kinds of log share: lines become samples, and are counted.
class LogReader {
public:
    LogReader(LogMatcher matcher, SourceContext const& context)
        : matcher_(std::move(matcher)), clock_(context.clock), secrets_(context.secrets) {}

    void read(RawLine const& line, std::vector<Sample>& samples) {
        ++status.lines;
        auto sample = matcher_.read(line, clock_.now());
        if (!sample) {
            ++status.unmatched;
            return;
        }
        auto& counts = std::get<OutcomesValue>(sample->value);
        counts.reason = secrets_.redact(counts.reason);
        samples.push_back(std::move(*sample));
        ++status.samples;
    }

    SourceStatus status;

private:
    LogMatcher matcher_;
    Clock const& clock_;
    Secrets const& secrets_;
};

class FileLogSource final : public Source {
public:
    FileLogSource(
        std::string path, LogReader reader, FileFollower follower, SourceContext const& context
    )
        : path_(std::move(path)),
          reader_(std::move(reader)),
          follower_(std::move(follower)),
          watch_(context.executor, path_),
          clock_(context.clock) {}

    asio::awaitable<Result<std::vector<Sample>>> next_batch() override {
        auto const executor = co_await asio::this_coro::executor;
        while (!co_await is_cancelled()) {
            // A long backlog takes its turn with everything else on this loop.
            if (!reader_.status.caught_up) co_await asio::post(executor, asio::use_awaitable);
            watch_.arm();
            auto const batch = follower_.read_batch(source_batch_max, clock_.now().boot);
            reader_.status.caught_up = !batch.more;
            std::vector<Sample> samples;
            for (auto const& text : batch.lines) {
                RawLine line;
                line.text = text;
                reader_.read(line, samples);
            }
            if (!samples.empty()) co_return samples;
            if (reader_.status.caught_up) co_await watch_.wait();
        }
        co_return fail(Errc::cancelled, "told to stop");
    }

    Json save() const override {
        JsonObject saved;
        saved["log"] = path_;
        saved["position"] = to_json(follower_.save());
        return saved;
    }

    SourceStatus status() const override {
        auto status = reader_.status;
        status.reading = follower_.problem().empty();
        status.text = follower_.problem();
        status.too_long = follower_.too_long();
        status.lost = follower_.lost();
        return status;
    }

private:
    std::string path_;
    LogReader reader_;
    FileFollower follower_;
    FileWatch watch_;
    Clock const& clock_;
};

class FeedLogSource final : public Source {
public:
    FeedLogSource(std::string name, LogReader reader, std::unique_ptr<LogFeed> feed)
        : name_(std::move(name)), reader_(std::move(reader)), feed_(std::move(feed)) {
        saved_ = feed_->save();
    }

    asio::awaitable<Result<std::vector<Sample>>> next_batch() override {
        while (!co_await is_cancelled()) {
            if (waiting_.empty() && !co_await fetch()) continue;
            auto const many = std::min(waiting_.size(), source_batch_max);
            auto const end = waiting_.begin() + std::ptrdiff_t(many);
            std::vector<Sample> samples(
                std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end)
            );
            waiting_.erase(waiting_.begin(), end);
            // Until all of it is handed out, a restart asks for all of it again.
            if (waiting_.empty()) saved_ = feed_->save();
            co_return samples;
        }
        co_return fail(Errc::cancelled, "told to stop");
    }

    Json save() const override {
        JsonObject saved;
        saved["log"] = name_;
        saved["position"] = saved_;
        return saved;
    }

    SourceStatus status() const override { return reader_.status; }

private:
    /// Whether there are samples now. Waits before it asks again.
    asio::awaitable<bool> fetch() {
        auto& status = reader_.status;
        auto const pause = status.reading ? feed_every : feed_every_in_trouble;
        if (asked_ && !co_await sleep_for(pause)) co_return false;
        asked_ = true;
        auto news = co_await feed_->fetch();
        status.reading = news.has_value();
        status.caught_up = news.has_value();
        status.text = news ? std::string() : to_string(news.error());
        if (!news) co_return false;
        status.unreadable += news->unreadable;
        status.lines += news->unreadable;
        if (news->lost) ++status.lost;
        for (auto const& line : news->lines) reader_.read(line, waiting_);
        if (waiting_.empty()) saved_ = feed_->save();
        co_return !waiting_.empty();
    }

    std::string name_;
    LogReader reader_;
    std::unique_ptr<LogFeed> feed_;
    std::vector<Sample> waiting_;
    Json saved_;
    bool asked_ = false;
};

}  // namespace

Result<std::unique_ptr<Source>> make_log_source(
    std::string const& service, SignalPolicy const& signal, SourceContext const& context,
    Json const& saved
) {
    auto matcher = LogMatcher::make(service, signal);
    if (!matcher) return tl::unexpected<Error>(matcher.error());
    LogReader reader(std::move(*matcher), context);
    Json const params(signal.params);
    auto const path = text_of(params, "path");
    auto const unit = text_of(params, "unit");
    auto const container = text_of(params, "container");
    auto const name = !path.empty() ? path : !unit.empty() ? "unit " + unit : container;
    if (name.empty()) return fail(Errc::invalid, "expected path, unit or container", signal.name);
    // A position in another log is of no use in this one.
    auto const* const position = text_of(saved, "log") == name ? find(saved, "position") : nullptr;
    auto const known = position == nullptr ? Json() : *position;
    if (!path.empty()) {
        auto const place = read_json<FollowPosition>(known);
        auto follower = place ? FileFollower(path, *place) : FileFollower(path);
        return std::make_unique<FileLogSource>(
            path, std::move(reader), std::move(follower), context
        );
    }
    auto feed = unit.empty()
                    ? make_container_feed(container, text_of(params, "socket"), context, known)
                    : make_journal_feed(unit, context, known);
    return std::make_unique<FeedLogSource>(name, std::move(reader), std::move(feed));
}

}  // namespace rollbackd

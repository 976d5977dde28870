#include "triggers/sources/log_source.hpp"

#include "core/io/clock.hpp"
#include "core/io/deadline.hpp"
#include "core/io/secrets.hpp"
#include "core/io/task_group.hpp"
#include "triggers/sources/file_watch.hpp"
#include "triggers/sources/log_files.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

/// Between two questions for what is new in a journal or a container's log.
constexpr Duration feed_every = std::chrono::seconds(1);
constexpr Duration feed_every_in_trouble = std::chrono::seconds(3);

/// What both kinds of log share: a line becomes a sample without secrets in it.
class LogReader {
public:
    LogReader(LogMatcher matcher, SourceContext const& context)
        : matcher_(std::move(matcher)), secrets_(context.secrets) {}

    LineFate read(RawLine const& line, Now now, Sample& sample) const {
        auto read = matcher_.read(line, now);
        if (!read) return LineFate::unmatched;
        sample = *std::move(read);
        auto& counts = std::get<OutcomesValue>(sample.value);
        counts.reason = secrets_.redact(counts.reason);
        return LineFate::sample;
    }

private:
    LogMatcher matcher_;
    Secrets const& secrets_;
};

class FileLogSource final : public Source {
public:
    FileLogSource(std::string path, LogReader reader, LogFiles files, SourceContext const& context)
        : path_(std::move(path)),
          reader_(std::move(reader)),
          files_(std::move(files)),
          watch_(context.executor),
          clock_(context.clock) {}

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
        saved["log"] = path_;
        return saved;
    }

    SourceStatus status() const override { return files_.status(); }

private:
    std::vector<Sample> read() {
        auto const now = clock_.now();
        return files_.read(now, [&](std::string const& text, Sample& sample) {
            RawLine line;
            line.text = text;
            return reader_.read(line, now, sample);
        });
    }

    std::string path_;
    LogReader reader_;
    LogFiles files_;
    FileWatch watch_;
    Clock const& clock_;
};

class FeedLogSource final : public Source {
public:
    FeedLogSource(
        std::string name, LogReader reader, std::unique_ptr<LogFeed> feed, Clock const& clock
    )
        : name_(std::move(name)),
          reader_(std::move(reader)),
          feed_(std::move(feed)),
          clock_(clock) {
        saved_ = feed_->save();
    }

    asio::awaitable<Result<std::vector<Sample>>> next_batch() override {
        while (!co_await is_cancelled()) {
            if (waiting_.empty() && !co_await fetch()) continue;
            auto samples = hand_out();
            status_.caught_up = waiting_.empty() && !more_;
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

    SourceStatus status() const override { return status_; }

private:
    struct Waiting {
        Sample sample;
        std::string place;
    };

    /// The oldest that wait; what a restart goes on after is the last of them.
    std::vector<Sample> hand_out() {
        std::vector<Sample> samples;
        std::string last;
        // Lines of one place belong together.
        while (!waiting_.empty() &&
               (samples.size() < source_batch_max || waiting_.front().place == last)) {
            last = std::move(waiting_.front().place);
            samples.push_back(std::move(waiting_.front().sample));
            waiting_.pop_front();
        }
        saved_ = waiting_.empty() ? feed_->save() : feed_->save_at(last);
        return samples;
    }

    /// Whether there are samples now. Waits before it asks again.
    asio::awaitable<bool> fetch() {
        auto const pause = status_.reading ? feed_every : feed_every_in_trouble;
        if (asked_ && !more_ && !co_await sleep_for(pause)) co_return false;
        asked_ = true;
        auto news = co_await feed_->fetch();
        more_ = news && news->more;
        status_.reading = news.has_value();
        status_.caught_up = news && !more_;
        status_.text = news ? std::string() : to_string(news.error());
        if (!news) co_return false;
        take(*news);
        if (waiting_.empty()) saved_ = feed_->save();
        co_return !waiting_.empty();
    }

    void take(LogFeed::News const& news) {
        status_.lines += news.lines.size() + news.unreadable;
        status_.unreadable += news.unreadable;
        auto const now = clock_.now();
        for (auto const& [line, place] : news.lines) {
            Sample sample;
            bool const counts = reader_.read(line, now, sample) == LineFate::sample;
            ++(counts ? status_.samples : status_.unmatched);
            if (counts) waiting_.push_back({std::move(sample), place});
        }
    }

    std::string name_;
    LogReader reader_;
    std::unique_ptr<LogFeed> feed_;
    Clock const& clock_;
    SourceStatus status_;
    std::deque<Waiting> waiting_;
    Json saved_;
    bool asked_ = false;
    bool more_ = false;  // of the last answer
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
    auto const known = text_of(saved, "log") == name ? saved : Json();
    if (!path.empty()) {
        LogFiles files(path, known, context.clock.now().boot);
        return std::make_unique<FileLogSource>(path, std::move(reader), std::move(files), context);
    }
    auto const* const found = find(known, "position");
    auto const position = found == nullptr ? Json() : *found;
    auto feed = unit.empty()
                    ? make_container_feed(container, text_of(params, "socket"), context, position)
                    : make_journal_feed(unit, context, position);
    return std::make_unique<FeedLogSource>(name, std::move(reader), std::move(feed), context.clock);
}

}  // namespace rollbackd

#include "triggers/sources/log_source.hpp"

#include "core/io/clock.hpp"
#include "core/io/deadline.hpp"
#include "core/io/secrets.hpp"
#include "core/io/task_group.hpp"
#include "triggers/sources/log_aside.hpp"

#include <deque>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

/// Between two questions for what is new in a journal or a container's log.
constexpr Duration feed_every = std::chrono::seconds(1);
constexpr Duration feed_every_in_trouble = std::chrono::seconds(3);

void redact(Sample& sample, Secrets const& secrets) {
    auto& counts = std::get<OutcomesValue>(sample.value);
    counts.reason = secrets.redact(counts.reason);
}

class FileLogSource final : public Source {
public:
    FileLogSource(std::string path, LogMatcher matcher, Json saved, SourceContext const& context)
        : path_(std::move(path)),
          log_(path_, std::move(saved), reads(std::move(matcher)), context.executor, context.clock),
          secrets_(context.secrets) {}

    asio::awaitable<void> begin() override { co_await log_.begin(); }

    asio::awaitable<Result<std::vector<Sample>>> next_batch() override {
        auto samples = co_await log_.next_batch();
        if (!samples) co_return samples;
        // Here: new secrets are learnt on the loop.
        for (auto& sample : *samples) redact(sample, secrets_);
        co_return samples;
    }

    Json save() const override {
        auto saved = log_.save();
        saved["log"] = path_;
        return saved;
    }

    SourceStatus status() const override { return log_.status(); }

private:
    static LogAside::Read reads(LogMatcher matcher) {
        return [matcher = std::move(matcher)](std::string const& text, Now now, Sample& sample) {
            RawLine line;
            line.text = text;
            auto read = matcher.read(line, now);
            if (!read) return LineFate::unmatched;
            sample = *std::move(read);
            return LineFate::sample;
        };
    }

    std::string path_;
    LogAside log_;
    Secrets const& secrets_;
};

class FeedLogSource final : public Source {
public:
    FeedLogSource(
        std::string name, LogMatcher matcher, std::unique_ptr<LogFeed> feed,
        SourceContext const& context
    )
        : name_(std::move(name)),
          matcher_(std::move(matcher)),
          feed_(std::move(feed)),
          secrets_(context.secrets),
          clock_(context.clock) {
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
            auto sample = matcher_.read(line, now);
            ++(sample ? status_.samples : status_.unmatched);
            if (!sample) continue;
            redact(*sample, secrets_);
            waiting_.push_back({*std::move(sample), place});
        }
    }

    std::string name_;
    LogMatcher matcher_;
    std::unique_ptr<LogFeed> feed_;
    Secrets const& secrets_;
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
    Json const params(signal.params);
    auto const path = text_of(params, "path");
    auto const unit = text_of(params, "unit");
    auto const container = text_of(params, "container");
    auto const name = !path.empty() ? path : !unit.empty() ? "unit " + unit : container;
    if (name.empty()) return fail(Errc::invalid, "expected path, unit or container", signal.name);
    // A position in another log is of no use in this one.
    auto const known = text_of(saved, "log") == name ? saved : Json();
    if (!path.empty()) {
        return std::make_unique<FileLogSource>(path, std::move(*matcher), known, context);
    }
    auto const* const found = find(known, "position");
    auto const position = found == nullptr ? Json() : *found;
    auto feed = unit.empty()
                    ? make_container_feed(container, text_of(params, "socket"), context, position)
                    : make_journal_feed(unit, context, position);
    return std::make_unique<FeedLogSource>(name, std::move(*matcher), std::move(feed), context);
}

}  // namespace rollbackd

// The journal and a container's log, asked for what is new: one short question a second, which a
// restart of the journal, the engine or the container does not break.
#include "core/io/clock.hpp"
#include "core/io/http_client.hpp"
#include "core/io/process.hpp"
#include "triggers/sources/log_source.hpp"
#include "triggers/sources/log_texts.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

constexpr Duration question_max = std::chrono::seconds(10);
constexpr std::size_t news_bytes_max = 8U << 20U;
constexpr unsigned gone_status = 404;

class JournalFeed final : public LogFeed {
public:
    JournalFeed(std::string unit, Clock const& clock, Json const& saved) : unit_(std::move(unit)) {
        cursor_ = text_of(saved, "cursor");
        auto const since = parse_rfc3339(text_of(saved, "since"));
        since_ = since ? *since : clock.now().wall;
    }

    asio::awaitable<Result<News>> fetch() override {
        ProcessSpec spec;
        spec.argv = {"journalctl", "--no-pager", "--quiet", "--output=json"};
        spec.argv.push_back("--output-fields=MESSAGE");
        if (!huge_) spec.argv.push_back("--all");
        spec.argv.push_back("--unit=" + unit_);
        spec.argv.push_back(cursor_.empty() ? since_argument() : "--after-cursor=" + cursor_);
        spec.timeout = question_max;
        spec.output_max = news_bytes_max;
        spec.keep_head = true;  // a backlog is taken from its beginning
        auto const result = co_await run_process(std::move(spec));
        if (!result) co_return tl::unexpected<Error>(result.error());
        if (!result->ok() && !is_torn(*result)) {
            co_return fail(Errc::unavailable, said(*result), "journalctl");
        }
        co_return taken(*result);
    }

    Json save() const override { return save_at(cursor_); }

    Json save_at(std::string const& place) const override {
        JsonObject saved;
        saved["cursor"] = place;
        saved["since"] = format_rfc3339(since_);
        return saved;
    }

private:
    std::string since_argument() const {
        auto const whole = std::chrono::floor<std::chrono::seconds>(since_.time_since_epoch());
        return "--since=@" + std::to_string(whole.count());
    }

    static std::string said(ProcessResult const& result) {
        auto const line = result.errors.substr(0, result.errors.find('\n'));
        return result.describe() + (line.empty() ? "" : ": " + line);
    }

    News taken(ProcessResult const& result) {
        News news;
        news.more = is_torn(result) || huge_;
        auto const text = whole_entries(result);
        // One entry alone is more than is taken: without --all its message is left out.
        huge_ = result.output_cut && text.empty();
        auto parsed = parse_journal(text);
        news.unreadable = parsed.unreadable;
        for (auto& [cursor, line] : parsed.lines) {
            bool const old = cursor_.empty() && line.time && *line.time < since_;
            if (!old) news.lines.push_back({std::move(line), std::move(cursor)});
        }
        if (!parsed.cursor.empty()) cursor_ = std::move(parsed.cursor);
        return news;
    }

    /// What was cut off is asked for again. After a huge entry only that one counts as told of: the
    /// messages after it are wanted in full.
    std::string_view whole_entries(ProcessResult const& result) const {
        std::string_view const text = result.output;
        if (huge_) return text.substr(0, text.find('\n'));
        return is_torn(result) ? text.substr(0, text.rfind('\n') + 1) : text;
    }

    /// Less than there is, but from its beginning on. What came before the time was up counts, or a
    /// slow journal were never read to its end.
    static bool is_torn(ProcessResult const& result) {
        bool const some = result.output.find('\n') != std::string::npos;
        return result.output_cut || (result.timed_out && some);
    }

    std::string unit_;
    std::string cursor_;
    WallTime since_;
    bool huge_ = false;  // the next entry is more than is taken at once
};

class ContainerFeed final : public LogFeed {
public:
    ContainerFeed(
        std::string container, std::string socket, SourceContext const& context, Json const& saved
    )
        : container_(std::move(container)), socket_(std::move(socket)), http_(context.http) {
        stamp_ = text_of(saved, "stamp");
        if (unix_stamp(stamp_).empty()) stamp_ = format_rfc3339(context.clock.now().wall);
    }

    asio::awaitable<Result<News>> fetch() override {
        HttpRequest request;
        request.url = "http://localhost/containers/" + container_ +
                      "/logs?stdout=1&stderr=1&timestamps=1&since=" + unix_stamp(stamp_);
        request.unix_path = socket_;
        request.timeout = question_max;
        request.body_max = news_bytes_max;
        request.cut_body = true;
        auto const response = co_await http_.send(std::move(request));
        if (!response) co_return tl::unexpected<Error>(response.error().error(socket_));
        if (response->status == gone_status) {
            co_return fail(Errc::not_found, "there is no such container", container_);
        }
        if (response->status / 100 != 2) {
            auto text = "the engine answers " + std::to_string(response->status);
            co_return fail(Errc::unavailable, std::move(text), socket_);
        }
        co_return taken(*response);
    }

    Json save() const override { return save_at(stamp_); }

    Json save_at(std::string const& place) const override {
        JsonObject saved;
        saved["stamp"] = place;
        return saved;
    }

private:
    News taken(HttpResponse const& response) {
        auto parsed = parse_container_log(response.body);
        if (response.body_cut) leave_torn(parsed);
        News news;
        news.unreadable = parsed.unreadable;
        for (auto& line : parsed.lines) {
            if (line.stamp <= stamp_) continue;  // `since` includes what was seen last
            news.lines.push_back({std::move(line.line), line.stamp});
        }
        if (!parsed.lines.empty()) stamp_ = std::max(stamp_, parsed.lines.back().stamp);
        // Without anything new the same would be asked for again at once.
        news.more = response.body_cut && !news.lines.empty();
        return news;
    }

    /// The last line may be torn, and may have others of the very same moment behind it: they are
    /// asked for again together.
    static void leave_torn(ContainerLines& parsed) {
        if (parsed.unreadable > 0) --parsed.unreadable;
        if (parsed.lines.empty()) return;
        auto const last = parsed.lines.back().stamp;
        if (parsed.lines.front().stamp == last) return;
        while (parsed.lines.back().stamp == last) parsed.lines.pop_back();
    }

    std::string container_;
    std::string socket_;
    HttpClient& http_;
    std::string stamp_;
};

}  // namespace

std::unique_ptr<LogFeed> make_journal_feed(
    std::string unit, SourceContext const& context, Json const& saved
) {
    return std::make_unique<JournalFeed>(std::move(unit), context.clock, saved);
}

std::unique_ptr<LogFeed> make_container_feed(
    std::string container, std::string socket, SourceContext const& context, Json const& saved
) {
    return std::make_unique<ContainerFeed>(std::move(container), std::move(socket), context, saved);
}

}  // namespace rollbackd

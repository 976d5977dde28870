#include "triggers/sources/redis_stream.hpp"

#include "core/io/clock.hpp"
#include "core/io/deadline.hpp"
#include "core/io/redis.hpp"
#include "core/io/secrets.hpp"
#include "core/io/task_group.hpp"
#include "core/names.hpp"
#include "triggers/sources/redis_entry.hpp"

#include <algorithm>
#include <deque>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;

constexpr Duration answer_within = 5s;
constexpr Duration block_for = 2s;  // a stop waits no longer than its cancellation takes anyway
constexpr Duration retry_after = 1s;
constexpr std::size_t unacknowledged_max = 100'000;
constexpr std::size_t acknowledged_at_once = 500;
constexpr std::string_view consumer = "rollbackd";

/// Of [id, [name, value, …]]: the id, and its fields; null where the entry was deleted.
struct Entry {
    std::string id_text;
    StreamId id;
    std::optional<StreamFields> fields;
};

std::optional<Entry> entry_of(RedisReply const& reply) {
    auto const* const pair = reply.list();
    if (pair == nullptr || pair->size() != 2 || (*pair)[0].text() == nullptr) return std::nullopt;
    Entry entry;
    entry.id_text = *(*pair)[0].text();
    auto const id = parse_stream_id(entry.id_text);
    if (!id) return std::nullopt;
    entry.id = *id;
    auto const* const list = (*pair)[1].list();
    if (list == nullptr) return entry;
    entry.fields.emplace();
    for (std::size_t i = 0; i + 1 < list->size(); i += 2) {
        auto const* const name = (*list)[i].text();
        auto const* const value = (*list)[i + 1].text();
        if (name != nullptr && value != nullptr) entry.fields->emplace(*name, *value);
    }
    return entry;
}

/// The entries of XREADGROUP's answer for its only stream; none: nothing new.
std::vector<Entry> entries_of(RedisReply const& reply) {
    std::vector<Entry> entries;
    auto const* const streams = reply.list();
    if (streams == nullptr || streams->empty()) return entries;
    auto const* const stream = streams->front().list();
    if (stream == nullptr || stream->size() != 2) return entries;
    auto const* const list = (*stream)[1].list();
    if (list == nullptr) return entries;
    for (auto const& one : *list) {
        if (auto entry = entry_of(one)) entries.push_back(*std::move(entry));
    }
    return entries;
}

class RedisStream final : public Source {
public:
    RedisStream(
        std::string service, SignalPolicy signal, SourceContext const& context, Json const& saved
    )
        : service_(std::move(service)),
          signal_(std::move(signal)),
          stream_(text_of(Json(signal_.params), "stream")),
          group_(text_of(Json(signal_.params), "group")),
          context_(context) {
        if (group_.empty())
            group_.append("rollbackd-").append(service_).append("-").append(signal_.name);
        bool const ours = text_of(saved, "stream") == stream_ && text_of(saved, "group") == group_;
        if (ours) last_text_ = text_of(saved, "last");
        if (auto const last = parse_stream_id(last_text_)) {
            last_ = *last;
            durable_ = *last;
        } else {
            last_text_.clear();
        }
    }

    asio::awaitable<Result<std::vector<Sample>>> next_batch() override {
        while (!co_await is_cancelled()) {
            auto read = co_await read_once();
            if (!read) {
                connection_.reset();
                bool const cancelled = read.error().fault == NetFault::cancelled;
                if (cancelled || co_await is_cancelled()) break;
                status_.reading = false;
                status_.caught_up = false;
                status_.text = context_.secrets.redact(read.error().reason());
                (void)co_await sleep_for(retry_after);
                continue;
            }
            status_.reading = true;
            status_.text.clear();
            if (!read->empty()) co_return *std::move(read);
        }
        co_return fail(Errc::cancelled, "told to stop");
    }

    Json save() const override {
        JsonObject saved;
        saved["stream"] = stream_;
        saved["group"] = group_;
        saved["last"] = last_text_;
        return saved;
    }
    void saved(Json const& what) override {
        if (auto const id = parse_stream_id(text_of(what, "last"))) durable_ = *id;
    }
    SourceStatus status() const override { return status_; }

private:
    /// One look at the stream on the connection, which is opened where there is none.
    asio::awaitable<NetResult<std::vector<Sample>>> read_once() {
        std::vector<Sample> none;
        if (!connection_) {
            auto opened = co_await connect();
            if (!opened) co_return tl::unexpected<NetFailure>(opened.error());
        }
        auto const acknowledged = co_await acknowledge();
        if (!acknowledged) co_return tl::unexpected<NetFailure>(acknowledged.error());
        auto arguments = question();
        auto const reply =
            co_await connection_->command(std::move(arguments), answer_within + block_for);
        if (!reply) co_return tl::unexpected<NetFailure>(reply.error());
        if (auto const* const error = reply->error()) {
            co_return net_fail(NetFault::closed, printable_line(error->text, 80));
        }
        auto entries = entries_of(*reply);
        status_.caught_up = entries.size() < source_batch_max && !recovering_;
        if (recovering_ && entries.empty()) {
            recovering_ = false;
            co_return none;
        }
        co_return take(std::move(entries));
    }

    std::vector<std::string> group_command() const {
        std::vector<std::string> out{"XGROUP", "CREATE", stream_, group_, "$", "MKSTREAM"};
        if (!last_text_.empty()) out[4] = last_text_;
        return out;
    }

    std::vector<std::string> question() const {
        std::vector<std::string> out{"XREADGROUP", "GROUP",
                                     group_,       std::string(consumer),
                                     "COUNT",      std::to_string(source_batch_max)};
        if (!recovering_) {
            out.emplace_back("BLOCK");
            auto const block = std::chrono::duration_cast<std::chrono::milliseconds>(block_for);
            out.push_back(std::to_string(block.count()));
        }
        out.emplace_back("STREAMS");
        out.push_back(stream_);
        out.emplace_back(">");
        if (recovering_) out.back() = recovered_;
        return out;
    }

    /// What a checkpoint has is only acknowledged; the rest is handed out.
    std::vector<Sample> take(std::vector<Entry> entries) {
        std::vector<Sample> samples;
        auto const now = context_.clock.now();
        for (auto const& entry : entries) {
            if (recovering_) recovered_ = entry.id_text;
            if (unacknowledged_.size() == unacknowledged_max) unacknowledged_.pop_front();
            unacknowledged_.push_back({entry.id, entry.id_text});
            if (entry.id <= last_) continue;
            last_ = entry.id;
            last_text_ = entry.id_text;
            ++status_.lines;
            if (!entry.fields) {
                ++status_.lost;  // trimmed before it was read
                continue;
            }
            auto sample =
                read_stream_entry(entry.id_text, entry.id, *entry.fields, signal_, service_, now);
            if (sample) {
                samples.push_back(*std::move(sample));
            } else {
                ++status_.unreadable;
            }
        }
        // Entries may carry their own time: those read at once are put in its order.
        std::stable_sort(samples.begin(), samples.end(), [](Sample const& a, Sample const& b) {
            return a.at < b.at;
        });
        status_.samples += samples.size();
        return samples;
    }

    asio::awaitable<NetResult<bool>> connect() {
        auto target = redis_target_of(signal_.params, context_.secrets);
        if (!target) co_return net_fail(NetFault::invalid, to_string(target.error()));
        auto opened =
            co_await RedisConnection::open(context_.dialer, *std::move(target), answer_within);
        if (!opened) co_return tl::unexpected<NetFailure>(opened.error());
        connection_.emplace(*std::move(opened));
        // A group that is gone goes on where we were; the very first one begins at the end.
        auto create = group_command();
        auto const reply = co_await connection_->command(std::move(create), answer_within);
        if (!reply) co_return tl::unexpected<NetFailure>(reply.error());
        auto const* const error = reply->error();
        if (error != nullptr && !error->text.starts_with("BUSYGROUP")) {
            co_return net_fail(NetFault::closed, printable_line(error->text, 80));
        }
        // What was handed to us and not acknowledged comes again first.
        recovering_ = true;
        recovered_.assign(1, '0');
        unacknowledged_.clear();
        co_return true;
    }

    asio::awaitable<NetResult<bool>> acknowledge() {
        while (!unacknowledged_.empty() && unacknowledged_.front().id <= durable_) {
            std::vector<std::string> command{"XACK", stream_, group_};
            while (!unacknowledged_.empty() && unacknowledged_.front().id <= durable_ &&
                   command.size() < acknowledged_at_once) {
                command.push_back(std::move(unacknowledged_.front().text));
                unacknowledged_.pop_front();
            }
            auto const reply = co_await connection_->command(std::move(command), answer_within);
            if (!reply) co_return tl::unexpected<NetFailure>(reply.error());
        }
        co_return true;
    }

    struct Unacknowledged {
        StreamId id;
        std::string text;
    };

    std::string service_;
    SignalPolicy signal_;
    std::string stream_;
    std::string group_;
    SourceContext context_;
    std::optional<RedisConnection> connection_;
    SourceStatus status_;
    StreamId last_;          // handed out up to here
    std::string last_text_;  // empty: nothing yet
    StreamId durable_;       // a checkpoint has everything up to here
    bool recovering_ = true;
    std::string recovered_;
    std::deque<Unacknowledged> unacknowledged_;
};

}  // namespace

Result<std::unique_ptr<Source>> make_redis_stream(
    std::string const& service, SignalPolicy const& signal, SourceContext const& context,
    Json const& saved
) {
    return std::make_unique<RedisStream>(service, signal, context, saved);
}

}  // namespace rollbackd

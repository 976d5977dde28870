// The journal over HTTP: pages of records for auditors, and records as they come (server-sent
// events, resumable by Last-Event-ID, which is the journal's sequence).
#include "api/feed.hpp"
#include "api/handlers.hpp"
#include "api/lookup.hpp"
#include "api/page.hpp"
#include "api/render.hpp"
#include "api/render_record.hpp"

namespace rollbackd::api {

namespace {

constexpr Duration heartbeat = std::chrono::seconds(15);
constexpr std::size_t records_at_once = 100;

struct Wanted {
    std::string service;
    std::string incident;
};

/// Asks the journal itself for what follows `last_`, so nothing is buffered per reader.
class EventStream final : public Stream {
public:
    EventStream(Host& host, Feed& feed, std::uint64_t last, Wanted wanted)
        : host_(host), feed_(feed), last_(last), wanted_(std::move(wanted)) {}

    boost::asio::awaitable<std::optional<std::string>> next() override {
        if (!greeted_) {
            greeted_ = true;
            co_return std::string("retry: 1000\n: rollbackd\n\n");
        }
        while (!closed_ && !feed_.closed()) {
            if (last_ < host_.engine().state().seq) {
                auto chunk = co_await read_more();
                if (!chunk) co_return std::nullopt;
                if (!chunk->empty()) co_return chunk;
                continue;  // only records nobody asked for
            }
            co_await feed_.wait(heartbeat);
            bool const more = last_ < host_.engine().state().seq;
            if (!more && !closed_ && !feed_.closed()) co_return std::string(": alive\n\n");
        }
        co_return std::nullopt;
    }

    void close() override {
        closed_ = true;
        feed_.notify();
    }

private:
    /// Nothing where the journal cannot be read: the client comes back by itself.
    boost::asio::awaitable<std::optional<std::string>> read_more() {
        auto const records = co_await host_.read_journal(last_ + 1, records_at_once);
        if (!records || records->empty()) co_return std::nullopt;
        std::string chunk;
        for (auto const& record : *records) {
            last_ = record.seq;
            if (!concerns(record)) continue;
            chunk += "id: " + std::to_string(record.seq) + "\nevent: " + record.kind +
                     "\ndata: " + to_text(render_record(record, false)) + "\n\n";
        }
        co_return chunk;
    }

    bool concerns(Record const& record) const {
        if (wanted_.service.empty() && wanted_.incident.empty()) return true;
        auto const subject = subject_of(record, host_.engine().state());
        if (!wanted_.service.empty() && subject.service != wanted_.service) return false;
        return wanted_.incident.empty() || subject.incident == wanted_.incident;
    }

    Host& host_;
    Feed& feed_;
    std::uint64_t last_;
    Wanted wanted_;
    bool greeted_ = false;
    bool closed_ = false;
};

}  // namespace

Response get_events(Context& context) {
    auto const& request = context.request;
    std::uint64_t last = context.state().seq;
    if (request.has_header("last-event-id")) {
        auto const number = parse_number(request.header("last-event-id"));
        last = std::min(number.value_or(last), last);
    }
    Wanted wanted;
    wanted.service = request.query_value("service");
    wanted.incident = request.query_value("incident");
    Response response;
    response.content_type = "text/event-stream";
    response.headers.emplace_back("X-Accel-Buffering", "no");  // a proxy must not hold events back
    response.stream =
        std::make_unique<EventStream>(context.host, context.feed, last, std::move(wanted));
    return response;
}

Awaitable<Response> get_journal(Context& context) {
    auto const page = page_of(context.request);
    std::uint64_t from = 1;
    if (!page.cursor.empty()) {
        auto const number = parse_number(page.cursor);
        if (!number) co_return refuse(422, "the cursor leads nowhere: begin again without it");
        from = *number + 1;
    }
    auto const kind = context.request.query_value("kind");
    auto const records = co_await context.host.read_journal(from, page.limit);
    if (!records) co_return refuse(records.error());
    JsonArray items;
    for (auto const& record : *records) {
        if (kind.empty() || record.kind == kind) items.push_back(render_record(record, true));
    }
    std::optional<std::string> next;
    bool const more = !records->empty() && records->back().seq < context.state().seq;
    if (more) next = std::to_string(records->back().seq);
    co_return answer_list(std::move(items), next);
}

}  // namespace rollbackd::api

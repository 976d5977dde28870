#include "cli/client.hpp"

#include "cli/text.hpp"

#include <array>

namespace rollbackd::cli {

namespace {

constexpr std::chrono::seconds silence_max{60};  // of a stream of events

struct Opened {
    Connection connection;
    Head head;
    std::string rest;  // bytes of the body that came with the head
};

/// Sends and reads up to the end of the head.
Result<Opened> exchange(
    Settings const& settings, Request const& request, bool& sent, Clock::time_point deadline
) {
    auto const connect_by = std::min(deadline, Clock::now() + settings.connect_timeout);
    auto connection = Connection::open(settings.address, settings.tls, connect_by);
    if (!connection) return tl::unexpected(connection.error());
    sent = true;
    auto const bytes = to_bytes(request, host_header(settings.address));
    // A refusal (413, 401) may arrive before all is sent: read the answer all the same.
    auto const written = connection->send(bytes, deadline);
    std::string text;
    std::array<char, 16 * 1024> room{};
    while (true) {
        auto const end = text.find("\r\n\r\n");
        if (end != std::string::npos) {
            auto head = parse_head(std::string_view(text).substr(0, end));
            if (!head) return tl::unexpected(head.error());
            auto rest = text.substr(end + 4);
            if (head->status / 100 != 1) {
                return Opened{std::move(*connection), std::move(*head), std::move(rest)};
            }
            text = std::move(rest);
            continue;
        }
        if (text.size() > head_max) {
            return fail(Errc::unavailable, "the answer is not HTTP: its head has no end");
        }
        auto const got = connection->receive(room, deadline);
        if (!got) return tl::unexpected(written ? got.error() : written.error());
        if (*got == 0) {
            if (!written) return tl::unexpected(written.error());
            return fail(Errc::unavailable, "the connection was closed without an answer");
        }
        text.append(room.data(), *got);
    }
}

bool is_json(std::string_view type) {
    return type == "application/json" || type.ends_with("+json");
}

std::string media_type(Head const& head) {
    auto const found = head.headers.find("content-type");
    if (found == head.headers.end()) return {};
    auto type = found->second.substr(0, found->second.find(';'));
    while (type.ends_with(' ')) type.pop_back();
    return type;
}

Result<Answer> finish(Opened opened, Clock::time_point deadline) {
    Answer answer{opened.head.status, media_type(opened.head), {}, {}};
    BodyDecoder decoder(opened.head);
    if (auto const fed = decoder.feed(opened.rest, answer.body); !fed) {
        return tl::unexpected(fed.error());
    }
    std::array<char, 16 * 1024> room{};
    while (!decoder.done()) {
        auto const got = opened.connection.receive(room, deadline);
        if (!got) return tl::unexpected(got.error());
        if (*got == 0) {
            if (decoder.ends_with_connection()) break;
            return fail(Errc::unavailable, "the connection was closed within the answer");
        }
        auto const fed = decoder.feed({room.data(), *got}, answer.body);
        if (!fed) return tl::unexpected(fed.error());
    }
    if (is_json(answer.type) && !answer.body.empty()) {
        auto parsed = parse_json(answer.body);
        if (!parsed)
            return fail(Errc::unavailable, "the answer is broken JSON: " + parsed.error().what);
        answer.json = std::move(*parsed);
    }
    return answer;
}

std::string mending(int status) {
    switch (status) {
        case 401:
            return "; give a valid token with --token-file or ROLLBACKD_TOKEN";
        case 403:
            return "; use a token whose role allows this";
        case 404:
            return "; 'rollbackctl services' and 'rollbackctl incidents' show what there is";
        case 409:
            return "; look at the present state with 'rollbackctl status'";
        case 429:
            return "; wait a moment and try again";
        case 503:
            return "; see 'rollbackctl status' and the daemon's log, then try again";
        default:
            return "";
    }
}

}  // namespace

Refused refusal_of(Answer const& answer) {
    std::string what = text_of(answer.json, "detail");
    if (what.empty()) what = text_of(answer.json, "title");
    if (what.empty()) what = "the daemon answered with status " + std::to_string(answer.status);
    what = clean(what);
    while (what.ends_with('.')) what.pop_back();
    if (auto const* const errors = find(answer.json, "errors"); errors && errors->is_array()) {
        for (auto const& error : errors->get_array()) {
            auto const pointer = text_of(error, "pointer");
            bool const named = pointer.empty() || what.find(pointer.substr(1)) != std::string::npos;
            if (named) continue;
            what = clean(pointer) + ": " + what;
            break;
        }
    }
    // A daemon that says what was meant has said how to mend it.
    bool const mended = what.find("; ") != std::string::npos;
    auto const line = what + " (" + std::to_string(answer.status) + ")" +
                      (answer.status == 404 && mended ? "" : mending(answer.status));
    // Without a problem of ours these come from a proxy: the daemon itself was not reached.
    bool const proxy =
        (answer.status == 502 || answer.status == 504) && answer.type != "application/problem+json";
    return Refused{proxy ? Exit::unreachable : Exit::refused, line};
}

Refused Client::unreachable(Error const& error, bool sent) const {
    auto const where = to_string(settings_.address);
    auto const why = clean(to_string(error));
    if (error.code == Errc::invalid) return Refused{Exit::refused, why};  // our own files
    if (!sent) {
        return Refused{
            Exit::unreachable, "cannot reach rollbackd at " + where + ": " + why +
                                   "; is it running? its address: --url or ROLLBACKD_URL"
        };
    }
    return Refused{
        Exit::unreachable, "no answer from rollbackd at " + where + ": " + why +
                               "; whether it acted is unknown, see 'rollbackctl status'"
    };
}

Request Client::request_for(std::string const& method, std::string const& target) const {
    Request request{method, settings_.address.prefix + target, {}, {}};
    if (!settings_.token.empty()) {
        request.headers.emplace_back("Authorization", "Bearer " + settings_.token);
    }
    request.headers.emplace_back("User-Agent", "rollbackctl/" ROLLBACKD_VERSION);
    return request;
}

Outcome<Answer> Client::ask(
    std::string const& method, std::string const& target, std::optional<Json> const& body,
    std::string const& accept
) const {
    auto request = request_for(method, target);
    request.headers.emplace_back("Accept", accept);
    if (body) {
        request.headers.emplace_back("Content-Type", "application/json");
        request.body = to_text(*body);
    }
    if (method != "GET" && !settings_.idempotency_key.empty()) {
        request.headers.emplace_back("Idempotency-Key", settings_.idempotency_key);
    }
    auto const deadline = Clock::now() + settings_.answer_timeout;
    bool sent = false;
    auto opened = exchange(settings_, request, sent, deadline);
    if (!opened) return tl::unexpected(unreachable(opened.error(), sent && method != "GET"));
    auto answer = finish(std::move(*opened), deadline);
    if (!answer) return tl::unexpected(unreachable(answer.error(), sent && method != "GET"));
    return std::move(*answer);
}

Outcome<Answer> Client::call(
    std::string const& method, std::string const& target, std::optional<Json> const& body,
    std::string const& accept
) const {
    auto answer = ask(method, target, body, accept);
    if (answer && answer->status / 100 != 2) return tl::unexpected(refusal_of(*answer));
    return answer;
}

Outcome<bool> Client::follow(
    std::string const& target, std::string& last_id,
    std::function<bool(ServerEvent const&)> const& on_event, std::function<void()> const& on_open
) const {
    auto request = request_for("GET", target);
    request.headers.emplace_back("Accept", "text/event-stream");
    if (!last_id.empty()) request.headers.emplace_back("Last-Event-ID", last_id);
    bool sent = false;
    auto const deadline = Clock::now() + settings_.answer_timeout;
    auto opened = exchange(settings_, request, sent, deadline);
    if (!opened) return tl::unexpected(unreachable(opened.error(), false));
    if (opened->head.status != 200) {
        auto const answer = finish(std::move(*opened), deadline);
        if (!answer) return tl::unexpected(unreachable(answer.error(), false));
        return tl::unexpected(refusal_of(*answer));
    }
    on_open();
    BodyDecoder body(opened->head);
    EventDecoder events;
    bool stopped = false;
    auto const tell = [&](ServerEvent const& event) {
        if (stopped) return;
        if (!event.id.empty()) last_id = event.id;
        stopped = !on_event(event);
    };
    std::string bytes = std::move(opened->rest);
    std::array<char, 16 * 1024> room{};
    while (!stopped) {
        std::string text;
        if (auto const fed = body.feed(bytes, text); !fed) break;
        if (!events.feed(text, tell) || stopped || body.done()) break;
        // The daemon says something every 15 s; after longer silence the connection is dead.
        auto const got = opened->connection.receive(room, Clock::now() + silence_max);
        if (!got || *got == 0) break;
        bytes.assign(room.data(), *got);
    }
    return stopped;
}

}  // namespace rollbackd::cli

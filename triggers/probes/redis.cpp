// redis: whether it answers, how long a list is or how old its oldest member, a counter; each on a
// connection of its own. A stream with a consumer group brings its samples by itself:
// triggers/sources/redis_stream.
#include "core/io/redis.hpp"

#include "core/io/clock.hpp"
#include "core/io/secrets.hpp"
#include "triggers/probes/answers.hpp"
#include "triggers/probes/numbers.hpp"
#include "triggers/probes/types.hpp"

#include <algorithm>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

constexpr std::size_t key_bytes_max = 1024;

TypeInfo redis_info() {
    TypeInfo info;
    info.name = "redis";
    info.doc =
        "Asks Redis: a state where nothing else is named (it answers PING), a gauge of a list or a "
        "counter; or reads the outcomes of a stream as a consumer of a group, each once.";
    info.is_probe = true;
    info.fields = redis_connection_fields();
    std::vector<Field> const keys{
        {.name = "list",
         .type = FieldType::text,
         .doc = "Key of a list, whose length is the number; one that is not there has length 0."},
        {.name = "oldest",
         .type = FieldType::text,
         .doc = "Of list: JSON pointer, inside its oldest member, to the time that was put in; how "
                "many seconds ago that is, is the number (0 where the list is empty)."},
        {.name = "end",
         .type = FieldType::choice,
         .doc = "Of oldest: the end its consumers take from, where the oldest member stands.",
         .otherwise = "right",
         .choices = {"right", "left"}},
        {.name = "counter",
         .type = FieldType::text,
         .doc = "Key of a number. One that is not there is unknown."},
        {.name = "stream",
         .type = FieldType::text,
         .doc = "Key of a stream, whose entries are outcomes: fields ok (true, false, 1, 0), or "
                "success and failure; reason, id, client, at, and the one that `by` names."},
        {.name = "group",
         .type = FieldType::text,
         .doc = "Of stream: the consumer group, ours alone; absent: rollbackd-SERVICE-SIGNAL. Made "
                "where it is missing, at the stream's end."},
    };
    for (auto const& key : keys) info.fields.push_back(key);
    return info;
}

std::optional<SignalNature> redis_nature(JsonObject const& params) {
    if (params.contains("stream")) return SignalNature{"outcomes", false};
    bool const number = params.contains("list") || params.contains("counter");
    return SignalNature{number ? "gauge" : "state", true};
}

std::vector<Error> check_redis(JsonObject const& params) {
    std::vector<Error> problems;
    auto const add = [&](std::string what, std::string where) {
        problems.push_back(wrong_field(std::move(what), std::move(where)));
    };
    auto const target = redis_address_of(params);
    if (!target) add(target.error().what, "address");
    int keys = 0;
    for (auto const* const key : {"list", "counter", "stream"}) {
        if (!params.contains(key)) continue;
        ++keys;
        auto const name = text_of(Json(params), key);
        if (name.empty() || name.size() > key_bytes_max) add("expected a key's name", key);
    }
    if (keys > 1) add("expected one of list, counter and stream", "list");
    if (params.contains("oldest") && !params.contains("list")) add("oldest is of a list", "oldest");
    if (params.contains("group") && !params.contains("stream"))
        add("group is of a stream", "group");
    auto const oldest = text_of(Json(params), "oldest");
    if (!oldest.empty() && !oldest.starts_with('/')) {
        add("\"" + oldest + "\" is no JSON pointer (RFC 6901); did you mean \"/" + oldest + "\"?",
            "oldest");
    }
    if (text_of(Json(params), "user").empty() != text_of(Json(params), "password_file").empty() &&
        !params.contains("password_file")) {
        add("user needs password_file", "user");
    }
    return problems;
}

class RedisProbe final : public Probe {
public:
    RedisProbe(SignalPolicy const& signal, ProbeContext const& context)
        : params_(signal.params), context_(context) {
        Json const all(params_);
        list_ = text_of(all, "list");
        counter_ = text_of(all, "counter");
        oldest_ = text_of(all, "oldest");
        from_left_ = text_of(all, "end", "right") == "left";
    }

    asio::awaitable<ProbeAnswer> ask(Duration timeout) override {
        auto const begun = context_.clock.now();
        auto target = redis_target_of(params_, context_.secrets);
        if (!target) co_return unknown_answer(to_string(target.error()));
        auto connection =
            co_await RedisConnection::open(context_.dialer, *std::move(target), timeout);
        if (!connection) co_return failed(connection.error());
        Duration const spent = context_.clock.now().boot - begun.boot;
        auto command = question();
        auto const left = std::max<Duration>(timeout - spent, std::chrono::milliseconds(1));
        auto const reply = co_await connection->command(std::move(command), left);
        if (!reply) co_return failed(reply.error());
        auto const now = context_.clock.now();
        co_return read(*reply, now.wall, now.boot - begun.boot);
    }

private:
    std::vector<std::string> question() const {
        if (!counter_.empty()) return {"GET", counter_};
        if (list_.empty()) return {"PING"};
        if (oldest_.empty()) return {"LLEN", list_};
        return {"LINDEX", list_, from_left_ ? "0" : "-1"};
    }
    bool is_state() const { return list_.empty() && counter_.empty(); }

    /// Redis is the target of a state; a number that cannot be had is unknown.
    ProbeAnswer failed(NetFailure const& failure) const {
        auto const refused = failure.text.starts_with("NOAUTH") ||
                             failure.text.starts_with("WRONGPASS") ||
                             failure.text.starts_with("NOPERM");
        auto const reason =
            context_.secrets.redact(refused ? "auth: " + failure.text : failure.reason());
        bool const unknown = !is_state() || refused || is_our_own(failure.fault);
        return unknown ? unknown_answer(reason) : failed_answer(reason);
    }

    ProbeAnswer read(RedisReply const& reply, WallTime now, Duration took) const {
        if (auto const* const error = reply.error()) return failed_by(error->text);
        if (is_state()) return good_answer({}, took);
        if (auto const* const number = reply.number()) {
            return number_answer(static_cast<double>(*number));
        }
        if (!oldest_.empty()) return age(reply, now);
        if (reply.text() == nullptr) return unknown_answer("missing: there is no key " + counter_);
        auto const number = number_of(std::string_view(*reply.text()));
        if (!number) return unknown_answer("content: " + counter_ + ": " + number.error().what);
        return number_answer(*number);
    }

    ProbeAnswer failed_by(std::string const& error) const {
        auto const reason = context_.secrets.redact(error);
        bool const auth = error.starts_with("NOAUTH") || error.starts_with("NOPERM");
        if (auth) return unknown_answer("auth: " + reason);
        // LOADING, MASTERDOWN: it is there and cannot serve.
        return is_state() ? failed_answer("refusal: " + reason)
                          : unknown_answer("refusal: " + reason);
    }

    ProbeAnswer age(RedisReply const& reply, WallTime now) const {
        if (reply.is_nil()) return number_answer(0);  // nothing waits
        auto const member =
            reply.text() == nullptr ? Result<Json>(Json()) : parse_json(*reply.text());
        if (!member)
            return unknown_answer("content: the oldest member of " + list_ + " is not JSON");
        auto const* const at = find_pointer(*member, oldest_);
        if (at == nullptr || at->is_null()) {
            return unknown_answer("missing: the oldest member of " + list_ + " has no " + oldest_);
        }
        auto const moment = json_moment(*at);
        if (!moment) return unknown_answer("content: " + oldest_ + ": " + moment.error().what);
        auto const seconds = std::chrono::duration<double>(now - *moment).count();
        return number_answer(std::max(seconds, 0.0));
    }

    JsonObject params_;
    ProbeContext context_;
    std::string list_;
    std::string counter_;
    std::string oldest_;
    bool from_left_ = false;
};

std::unique_ptr<Probe> make_redis(SignalPolicy const& signal, ProbeContext const& context) {
    return std::make_unique<RedisProbe>(signal, context);
}

}  // namespace

ProbeType redis_probe() {
    return ProbeType{redis_info(), &check_redis, &make_redis, &redis_nature};
}

}  // namespace rollbackd

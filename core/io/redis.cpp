#include "core/io/redis.hpp"

#include "core/names.hpp"

#include <hiredis.h>

#include <array>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

constexpr std::size_t read_bytes = 16 * 1024;
constexpr std::size_t shown_max = 80;

struct FreeReader {
    void operator()(redisReader* reader) const { redisReaderFree(reader); }
};
struct FreeReply {
    void operator()(void* reply) const { freeReplyObject(reply); }
};

RedisReply converted(redisReply const& reply) {
    RedisReply out;
    switch (reply.type) {
        case REDIS_REPLY_INTEGER:
            out.value = std::int64_t(reply.integer);
            break;
        case REDIS_REPLY_STRING:
        case REDIS_REPLY_STATUS:
            out.value = std::string(reply.str, std::size_t(reply.len));
            break;
        case REDIS_REPLY_ERROR:
            out.value = RedisError{std::string(reply.str, std::size_t(reply.len))};
            break;
        case REDIS_REPLY_ARRAY: {
            std::vector<RedisReply> items;
            for (std::size_t i = 0; i < reply.elements; ++i) {
                items.push_back(converted(*reply.element[i]));
            }
            out.value = std::move(items);
            break;
        }
        default:
            break;  // nil
    }
    return out;
}

}  // namespace

std::vector<Field> redis_connection_fields() {
    constexpr double databases_max = 10'000;
    return {
        {.name = "address",
         .type = FieldType::text,
         .doc = "HOST:PORT, [IPv6]:PORT, or unix:PATH, as seen from where it runs.",
         .required = true},
        {.name = "user", .type = FieldType::text, .doc = "Name of the ACL user; absent: default."},
        {.name = "password_file", .type = FieldType::path, .doc = "File here with the password."},
        {.name = "database",
         .type = FieldType::integer,
         .doc = "Number of the database.",
         .otherwise = 0,
         .min = 0,
         .max = databases_max},
        {.name = "tls", .type = FieldType::boolean, .doc = "Speak TLS.", .otherwise = false},
        {.name = "ca",
         .type = FieldType::path,
         .doc = "Trust the CA certificates of this PEM file instead of the system's."},
    };
}

Result<RedisTarget> redis_address_of(JsonObject const& params) {
    constexpr std::string_view unix_prefix = "unix:";
    Json const all(params);
    RedisTarget target;
    auto const address = text_of(all, "address");
    if (address.starts_with(unix_prefix)) {
        target.dial.unix_path = address.substr(unix_prefix.size());
        if (!target.dial.unix_path.starts_with('/')) {
            return fail(Errc::invalid, "unix: needs an absolute path", "address");
        }
    } else {
        auto parsed = parse_address(address);
        if (!parsed) return fail(Errc::invalid, parsed.error().what, "address");
        target.dial = *std::move(parsed);
    }
    auto const* const tls = find(all, "tls");
    if (tls != nullptr && tls->is_bool() && tls->get_bool()) {
        target.dial.tls.emplace();
        target.dial.tls->ca_file = text_of(all, "ca");
    }
    auto const* const database = find(all, "database");
    if (database != nullptr && database->is_number()) target.database = database->to_number<int>();
    target.user = text_of(all, "user");
    return target;
}

Result<RedisTarget> redis_target_of(JsonObject const& params, Secrets& secrets) {
    auto target = redis_address_of(params);
    auto const file = text_of(Json(params), "password_file");
    if (!target || file.empty()) return target;
    auto password = secrets.from_file(file);
    if (!password) return tl::unexpected<Error>(password.error());
    target->password = *std::move(password);
    return target;
}

struct RedisParser::State {
    std::unique_ptr<redisReader, FreeReader> reader{redisReaderCreate()};
    std::size_t pending = 0;  // bytes since the last whole reply
    bool broken = false;
};

RedisParser::RedisParser() : state_(std::make_unique<State>()) {}
RedisParser::~RedisParser() = default;
RedisParser::RedisParser(RedisParser&&) noexcept = default;
RedisParser& RedisParser::operator=(RedisParser&&) noexcept = default;

void RedisParser::feed(std::string_view bytes) {
    state_->pending += bytes.size();
    state_->broken = state_->broken || state_->pending > reply_bytes_max ||
                     redisReaderFeed(state_->reader.get(), bytes.data(), bytes.size()) != REDIS_OK;
}

Result<std::optional<RedisReply>> RedisParser::next() {
    void* raw = nullptr;
    bool const read =
        !state_->broken && redisReaderGetReply(state_->reader.get(), &raw) == REDIS_OK;
    std::unique_ptr<void, FreeReply> const owned(raw);
    if (!read) {
        state_->broken = true;
        if (state_->pending > reply_bytes_max)
            return fail(Errc::too_large, "the reply is too large");
        return fail(Errc::invalid, "not Redis' protocol");
    }
    if (raw == nullptr) return std::optional<RedisReply>();
    state_->pending = 0;
    return std::optional<RedisReply>(converted(*static_cast<redisReply const*>(raw)));
}

std::string redis_command_bytes(std::vector<std::string> const& arguments) {
    std::string out = "*" + std::to_string(arguments.size()) + "\r\n";
    for (auto const& argument : arguments) {
        out += "$" + std::to_string(argument.size()) + "\r\n" + argument + "\r\n";
    }
    return out;
}

asio::awaitable<NetResult<RedisConnection>> RedisConnection::open(
    Dialer& dialer, RedisTarget target, Duration limit
) {
    auto connection = co_await dialer.dial(target.dial, limit);
    if (!connection) co_return tl::unexpected<NetFailure>(connection.error());
    RedisConnection made(*std::move(connection));
    std::vector<std::vector<std::string>> greetings;
    if (!target.password.empty()) {
        std::vector<std::string> auth;
        auth.emplace_back("AUTH");
        if (!target.user.empty()) auth.push_back(target.user);
        auth.push_back(target.password);
        greetings.push_back(std::move(auth));
    }
    if (target.database != 0) {
        std::vector<std::string> select;
        select.emplace_back("SELECT");
        select.push_back(std::to_string(target.database));
        greetings.push_back(std::move(select));
    }
    for (auto& greeting : greetings) {
        auto const reply = co_await made.command(std::move(greeting), limit);
        if (!reply) co_return tl::unexpected<NetFailure>(reply.error());
        if (auto const* const error = reply->error()) {
            co_return net_fail(NetFault::closed, printable_line(error->text, shown_max));
        }
    }
    co_return made;
}

asio::awaitable<NetResult<RedisReply>> RedisConnection::command(
    std::vector<std::string> arguments, Duration limit
) {
    connection_.extend(limit);
    connection_.expect("answer to " + (arguments.empty() ? std::string() : arguments.front()));
    auto const bytes = redis_command_bytes(arguments);
    auto const written = co_await connection_.write(bytes);
    if (!written) co_return tl::unexpected<NetFailure>(written.error());
    auto const room = std::make_unique<std::array<char, read_bytes>>();
    while (true) {
        auto reply = parser_.next();
        if (!reply) {
            bool const large = reply.error().code == Errc::too_large;
            auto const fault = large ? NetFault::too_large : NetFault::garbage;
            co_return net_fail(fault, reply.error().what, true);
        }
        if (*reply) co_return **std::move(reply);
        auto const length = co_await connection_.read_some(*room);
        if (!length) co_return tl::unexpected<NetFailure>(length.error());
        if (*length == 0) co_return net_fail(NetFault::closed, "closed instead of an answer", true);
        parser_.feed(std::string_view(room->data(), *length));
    }
}

}  // namespace rollbackd

// Redis as a client: one connection, one command at a time, over a Dialer's connection. The
// protocol is hiredis'; time limits and cancellation are ours. Bounded whatever the server does.
#pragma once

#include "core/descriptor.hpp"
#include "core/io/secrets.hpp"
#include "core/io/stream.hpp"

#include <variant>

namespace rollbackd {

struct RedisReply;

/// An error is the server's own ("NOAUTH Authentication required.").
struct RedisError {
    std::string text;
    friend bool operator==(RedisError const&, RedisError const&) = default;
};

struct RedisReply {
    std::variant<std::monostate, std::int64_t, std::string, RedisError, std::vector<RedisReply>>
        value;

    bool is_nil() const { return std::holds_alternative<std::monostate>(value); }
    std::string const* text() const { return std::get_if<std::string>(&value); }
    std::int64_t const* number() const { return std::get_if<std::int64_t>(&value); }
    std::vector<RedisReply> const* list() const {
        return std::get_if<std::vector<RedisReply>>(&value);
    }
    RedisError const* error() const { return std::get_if<RedisError>(&value); }

    friend bool operator==(RedisReply const&, RedisReply const&) = default;
};

/// Where, and as whom. `password` empty: nobody is authenticated.
struct RedisTarget {
    DialTarget dial;
    std::string user;
    std::string password;
    int database = 0;
};

/// How a policy says where: a step's and a probe's fields.
std::vector<Field> redis_connection_fields();
/// As a policy says it: address (HOST:PORT or unix:PATH), user, password_file, database, tls, ca.
/// The password is read now. An Error's `where` is the field.
Result<RedisTarget> redis_target_of(JsonObject const& params, Secrets& secrets);
/// The same without the secret: what is wrong with it at load.
Result<RedisTarget> redis_address_of(JsonObject const& params);

/// Reads replies out of bytes as they come. Pure.
class RedisParser {
public:
    RedisParser();
    ~RedisParser();
    RedisParser(RedisParser&&) noexcept;
    RedisParser& operator=(RedisParser&&) noexcept;

    /// The next whole reply; none: more bytes are needed. An Error: not the protocol, or too large;
    /// then the parser is of no use any more.
    Result<std::optional<RedisReply>> next();
    void feed(std::string_view bytes);

    static constexpr std::size_t reply_bytes_max = 8 * 1024 * 1024;
    static constexpr std::size_t depth_max = 7;  // hiredis' own

private:
    struct State;
    std::unique_ptr<State> state_;
};

class RedisConnection {
public:
    /// Connects, authenticates and selects within `limit`. A refusal of the server (auth) is a
    /// NetFault::closed whose text begins with the server's words.
    static boost::asio::awaitable<NetResult<RedisConnection>> open(
        Dialer& dialer, RedisTarget target, Duration limit
    );
    /// Arguments may hold any bytes. After a failure the connection is of no use any more.
    boost::asio::awaitable<NetResult<RedisReply>> command(
        std::vector<std::string> arguments, Duration limit
    );

private:
    explicit RedisConnection(Connection connection) : connection_(std::move(connection)) {}
    Connection connection_;
    RedisParser parser_;
};

/// A command as Redis reads it.
std::string redis_command_bytes(std::vector<std::string> const& arguments);

}  // namespace rollbackd

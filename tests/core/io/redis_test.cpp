// Redis' protocol over a connection: whole, torn, too large, and none at all. Against a real
// server: tests/e2e/test_redis.py.
#include "core/io/redis.hpp"

#include "tests/catch.hpp"
#include "tests/core/io/support/loop.hpp"
#include "tests/core/io/support/server.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;
using namespace std::chrono_literals;

namespace {

std::vector<RedisReply> parsed(std::string_view bytes, std::size_t piece) {
    RedisParser parser;
    std::vector<RedisReply> replies;
    while (!bytes.empty()) {
        parser.feed(bytes.substr(0, piece));
        bytes.remove_prefix(std::min(piece, bytes.size()));
        for (auto reply = parser.next(); reply && *reply; reply = parser.next()) {
            replies.push_back(**std::move(reply));
        }
    }
    return replies;
}

struct Desk {
    NetResult<RedisReply> ask(std::uint16_t port, std::string password = {}, Duration limit = 5s) {
        return loop.run(asked(port, std::move(password), limit));
    }
    boost::asio::awaitable<NetResult<RedisReply>> asked(
        std::uint16_t port, std::string password, Duration limit
    ) {
        RedisTarget target;
        target.dial.host = "127.0.0.1";
        target.dial.port = port;
        target.password = std::move(password);
        auto connection = co_await RedisConnection::open(dialer, std::move(target), limit);
        if (!connection) co_return tl::unexpected<NetFailure>(connection.error());
        std::vector<std::string> command;
        command.emplace_back("LLEN");
        command.emplace_back("jobs");
        co_return co_await connection->command(std::move(command), limit);
    }

    Loop loop;
    Dialer dialer{loop.executor()};
};

}  // namespace

TEST_CASE("every kind of reply is read, in whatever pieces it comes") {
    constexpr std::string_view bytes =
        ":42\r\n+OK\r\n$3\r\na\nb\r\n$-1\r\n-ERR no\r\n*2\r\n$1\r\nx\r\n*1\r\n:1\r\n*-1\r\n";
    for (std::size_t piece : {1u, 2u, 7u, 1000u}) {
        auto const replies = parsed(bytes, piece);
        REQUIRE(replies.size() == 7);
        CHECK(*replies[0].number() == 42);
        CHECK(*replies[1].text() == "OK");
        CHECK(*replies[2].text() == "a\nb");
        CHECK(replies[3].is_nil());
        CHECK(replies[4].error()->text == "ERR no");
        REQUIRE(replies[5].list()->size() == 2);
        CHECK(*replies[5].list()->at(1).list()->at(0).number() == 1);
        CHECK(replies[6].is_nil());
    }
}

TEST_CASE("what is not the protocol, and what is too large, is an error for good") {
    RedisParser parser;
    parser.feed("HTTP/1.1 200 OK\r\n");
    CHECK(parser.next().error().code == Errc::invalid);
    parser.feed(":1\r\n");
    CHECK_FALSE(parser.next());
    RedisParser large;
    large.feed("$100000000\r\n" + std::string(RedisParser::reply_bytes_max, 'x'));
    CHECK(large.next().error().code == Errc::too_large);
}

TEST_CASE("a command is its arguments, whatever bytes they hold") {
    CHECK(
        redis_command_bytes({"SET", "a b", std::string("\r\n\0", 3)}) ==
        std::string("*3\r\n$3\r\nSET\r\n$3\r\na b\r\n$3\r\n\r\n\0\r\n", 31)
    );
}

TEST_CASE("a Redis that is gone, hangs, closes, refuses or is none is told apart") {
    Desk desk;
    CHECK(desk.ask(closed_port()).error().fault == NetFault::refused);
    TestServer const hanging([](Peer const& peer) { peer.hang(); });
    CHECK(desk.ask(hanging.port(), "", 200ms).error().fault == NetFault::timeout);
    TestServer const other([](Peer const& peer) { peer.send("HTTP/1.1 400 Bad\r\n\r\n"); });
    CHECK(desk.ask(other.port()).error().fault == NetFault::garbage);
    TestServer const closing([](Peer const&) {});
    CHECK(desk.ask(closing.port()).error().fault == NetFault::closed);
    TestServer const refusing([](Peer const& peer) {
        peer.send("-WRONGPASS invalid username-password pair\r\n");
        peer.hang();
    });
    auto const refused = desk.ask(refusing.port(), "hunter22").error();
    CHECK(refused.text.starts_with("WRONGPASS"));
    TestServer const good([](Peer const& peer) {
        peer.send(":7\r\n");
        peer.hang();
    });
    CHECK(*desk.ask(good.port())->number() == 7);
}

TEST_CASE("an address without a port is found at load") {
    auto const wrong = [](char const* text) {
        return redis_address_of(parse_json(text)->get_object());
    };
    CHECK(wrong(R"({"address":"127.0.0.1"})").error().where == "address");
    CHECK(wrong(R"({"address":"unix:redis.sock"})").error().where == "address");
    CHECK(wrong(R"({"address":"unix:/run/redis.sock","database":3})")->database == 3);
}

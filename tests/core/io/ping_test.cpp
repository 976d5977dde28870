#include "core/io/ping.hpp"

#include "tests/catch.hpp"
#include "tests/core/io/support/loop.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;
using namespace std::chrono_literals;

namespace {

using Bytes = std::vector<unsigned char>;

Bytes reply_to(Bytes request, bool v6) {
    request[0] = v6 ? 129 : 0;
    return request;
}

}  // namespace

TEST_CASE("an echo's answer is known by its payload, with or without an IP header") {
    Bytes const payload{1, 2, 3, 4};
    auto const request = echo_request(false, payload);
    CHECK(request.size() == 12);
    CHECK_FALSE(is_echo_reply(request, false, payload));  // our own question, heard on loopback
    auto const reply = reply_to(request, false);
    CHECK(is_echo_reply(reply, false, payload));
    CHECK_FALSE(is_echo_reply(reply, false, Bytes{1, 2, 3, 5}));
    CHECK_FALSE(is_echo_reply(reply, true, payload));
    CHECK(is_echo_reply(reply_to(echo_request(true, payload), true), true, payload));
    Bytes with_header(20, 0);
    with_header[0] = 0x45;
    with_header.insert(with_header.end(), reply.begin(), reply.end());
    CHECK(is_echo_reply(with_header, false, payload));
    with_header.resize(21);
    CHECK_FALSE(is_echo_reply(with_header, false, payload));
    CHECK_FALSE(is_echo_reply(Bytes{0x4f}, false, payload));
    CHECK_FALSE(is_echo_reply({}, false, payload));
}

TEST_CASE("loopback answers, where asking is permitted") {
    Loop loop;
    auto const took = loop.run(ping("127.0.0.1", 5s));
    if (!took && took.error().text.starts_with("denied: ")) {
        WARN("skipped: ICMP is not permitted here");
        return;
    }
    REQUIRE(took);
    CHECK(*took > 0ns);
    CHECK(loop.run(ping("nonsense", 1s)).error().fault == NetFault::invalid);
    auto const far = loop.run(ping("2001:db8::1", 100ms));
    REQUIRE_FALSE(far);
    CHECK((far.error().fault == NetFault::timeout || far.error().fault == NetFault::unreachable));
}

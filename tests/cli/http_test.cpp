#include "cli/http.hpp"

#include "cli/address.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;
using namespace rollbackd::cli;

namespace {

std::vector<ServerEvent> events_of(std::vector<std::string> const& pieces, EventDecoder& decoder) {
    std::vector<ServerEvent> events;
    for (auto const& piece : pieces) {
        CHECK(decoder.feed(piece, [&](ServerEvent const& event) { events.push_back(event); }));
    }
    return events;
}

}  // namespace

TEST_CASE("an address is read as it is written, or refused with the forms there are") {
    CHECK(to_string(*parse_address("http://127.0.0.1:8620")) == "http://127.0.0.1:8620");
    CHECK(to_string(*parse_address("http://example.com/")) == "http://example.com");
    CHECK(parse_address("https://example.com/ops/")->prefix == "/ops");
    CHECK(parse_address("https://example.com")->port == 443);
    CHECK(host_header(*parse_address("http://[::1]:8620")) == "[::1]:8620");
    CHECK(parse_address("unix:/run/rollbackd/api.sock")->host == "/run/rollbackd/api.sock");
    CHECK(parse_address("unix:///run/rollbackd/api.sock")->host == "/run/rollbackd/api.sock");
    for (auto const* wrong :
         {"", "127.0.0.1:8620", "http://", "http://:80", "http://a:0", "http://a:x",
          "unix:relative", "http://a b", "http://a/?q", "http://[::1", "http://a\r\nX: y"}) {
        INFO(wrong);
        REQUIRE_FALSE(parse_address(wrong));
        CHECK(parse_address(wrong).error().what.find("unix:/PATH") != std::string::npos);
    }
}

TEST_CASE("server-sent events are the same in whatever pieces they arrive") {
    std::string const stream =
        ": hello\r\n\r\nid: 5\nevent: incident.opened\ndata: {\"a\":\ndata: 1}\n\nid: 6\rdata:x\r\r"
        "retry: 10\n\nevent: empty\n\ndata: last without end";
    EventDecoder whole;
    auto const at_once = events_of({stream}, whole);
    REQUIRE(at_once.size() == 2);
    CHECK(at_once[0].id == "5");
    CHECK(at_once[0].event == "incident.opened");
    CHECK(at_once[0].data == "{\"a\":\n1}");
    CHECK(at_once[1].id == "6");
    CHECK(at_once[1].data == "x");
    CHECK(whole.last_id() == "6");
    std::vector<std::string> bytes;
    for (char const c : stream) bytes.emplace_back(1, c);
    EventDecoder slow;
    auto const one_by_one = events_of(bytes, slow);
    REQUIRE(one_by_one.size() == 2);
    CHECK(one_by_one[1].data == "x");
}

TEST_CASE("an endless event is refused") {
    EventDecoder decoder;
    std::string const piece(event_max / 2, 'x');
    CHECK(decoder.feed("data: " + piece, [](ServerEvent const&) {}));
    CHECK_FALSE(decoder.feed(piece, [](ServerEvent const&) {}));
}

TEST_CASE("a request carries its length and nothing of its values leaves its place") {
    auto const bytes = to_bytes({"POST", "/v1/pause", {{"Accept", "x"}}, "{}"}, "h:1");
    CHECK(
        bytes ==
        "POST /v1/pause HTTP/1.1\r\nHost: h:1\r\nAccept: x\r\nContent-Length: 2\r\n"
        "Connection: close\r\n\r\n{}"
    );
}

TEST_CASE("a body is taken by its length, by chunks, or up to the end of the connection") {
    auto const head = [](char const* text) { return *parse_head(text); };
    std::string out;
    BodyDecoder counted(head("HTTP/1.1 200 OK\r\nContent-Length: 3"));
    CHECK(counted.feed("abcdef", out));
    CHECK(counted.done());
    CHECK(out == "abc");
    out.clear();
    BodyDecoder chunked(head("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked"));
    for (char const c : std::string("A\r\n0123456789\r\n1\r\nx\r\n0\r\n\r\n")) {
        CHECK(chunked.feed(std::string(1, c), out));
    }
    CHECK(chunked.done());
    CHECK(out == "0123456789x");
    BodyDecoder open(head("HTTP/1.0 200 OK"));
    CHECK(open.ends_with_connection());
    BodyDecoder none(head("HTTP/1.1 204 No Content"));
    CHECK(none.done());
}

#include "triggers/sources/access_log_pattern.hpp"

#include "tests/catch.hpp"

using namespace rollbackd;

namespace {

LogPattern pattern(std::string const& text, std::vector<std::string> const& own = {}) {
    auto made = LogPattern::make(text, own);
    INFO((made ? std::string() : to_string(made.error())));
    REQUIRE(made.has_value());
    return std::move(*made);
}

std::string wrong(std::string const& text, std::vector<std::string> const& own = {}) {
    auto const made = LogPattern::make(text, own);
    REQUIRE_FALSE(made.has_value());
    return made.error().what;
}

// nginx: log_format timed '$remote_addr [$time_local] "$request" $status $request_time';
std::string const timed =
    R"re(^(?P<client>\S+) \[(?P<time>[^\]]+)\] "(?P<request>[^"]*)" (?P<status>\d{3}) (?P<latency>\S+))re";

}  // namespace

TEST_CASE("the groups of a pattern are the fields of a line") {
    auto const line = pattern(timed).parse(
        R"(192.0.2.7 [31/Jan/2026:13:00:00 +0100] "POST /pay\x22?a=b HTTP/1.1" 502 0.250)"
    );
    REQUIRE(line);
    CHECK(line->client == "192.0.2.7");
    CHECK(format_rfc3339(*line->time) == "2026-01-31T12:00:00.000000Z");
    CHECK(line->method == "POST");
    CHECK(line->path == "/pay\"");
    CHECK(line->query == "a=b");
    CHECK(line->status == 502);
    CHECK(line->latency == 0.25);
    CHECK_FALSE(pattern(timed).parse("another line"));
}

TEST_CASE("path, method, query, host and id may stand apart, and a dash is nothing") {
    auto const read = pattern(
        R"re((?P<time>\S+) (?P<host>\S+) (?P<method>\S+) (?P<path>\S+) (?P<query>\S+) (?P<status>\S+) (?P<id>\S+) (?P<latency>\S+))re"
    );
    auto const line = read.parse("1769860800 shop.example.com PUT /a ?b=c 204 evt_1 -");
    REQUIRE(line);
    CHECK(line->time);
    CHECK(line->host == "shop.example.com");
    CHECK(line->method == "PUT");
    CHECK(line->path == "/a");
    CHECK(line->query == "b=c");
    CHECK(line->status == 204);
    CHECK(line->id == "evt_1");
    CHECK_FALSE(line->latency);
    auto const bare = read.parse("- - - - - - - nonsense");
    REQUIRE(bare);
    CHECK_FALSE(bare->time);
    CHECK(bare->status == 0);
    CHECK(bare->path.empty());
    CHECK(bare->id.empty());
    CHECK_FALSE(bare->latency);
}

TEST_CASE("what the signal asks for may be a group, a field's own name too") {
    auto const read =
        pattern(R"re((?P<host>\S+) (?P<provider>\S+) (?P<status>\d+))re", {"provider", "host"});
    auto const line = read.parse("a.example.com stripe 500");
    REQUIRE(line);
    CHECK(line->named.at("provider") == "stripe");
    CHECK(line->named.at("host") == "a.example.com");
    CHECK(line->host == "a.example.com");
}

TEST_CASE("a pattern that cannot work is refused with what is wrong in it") {
    CHECK(wrong("(").starts_with("not an RE2 expression"));
    CHECK(wrong(R"((\d+) (.*))").starts_with("it has no named groups"));
    CHECK(
        wrong(R"((?P<staus>\d+))") ==
        R"(the group "staus" is no field of a line, did you mean "status"?)"
    );
    CHECK(wrong(R"((?P<provider>\w+))").find("one of time, status") != std::string::npos);
}

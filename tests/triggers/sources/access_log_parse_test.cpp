#include "triggers/sources/access_log_parse.hpp"

#include "tests/catch.hpp"

using namespace rollbackd;

namespace {

LogLine line(std::string_view text, LogFormat format = LogFormat::auto_, LogKeys const& keys = {}) {
    auto const parsed = parse_log_line(text, format, keys);
    CAPTURE(std::string(text));
    REQUIRE(parsed.has_value());
    return *parsed;
}

bool unreadable(std::string_view text, LogFormat format = LogFormat::auto_) {
    return !parse_log_line(text, format, {}).has_value();
}

std::string when(LogLine const& parsed) {
    return parsed.time ? format_rfc3339(*parsed.time) : "none";
}

// What stands between the client and the status.
std::string combined(std::string const& request, std::string const& rest) {
    return "192.0.2.7 - - [31/Jan/2026:12:00:00 +0000] \"" + request + "\" " + rest;
}

std::string const noon = "2026-01-31T12:00:00.000000Z";

}  // namespace

TEST_CASE("nginx's combined line is read, with and without more fields after it") {
    std::string const text =
        R"(192.0.2.7 - - [31/Jan/2026:13:00:00 +0100] "POST /webhooks/pay?provider=stripe&x=1 )"
        R"(HTTP/1.1" 502 157 "-" "curl/8.0")";
    for (auto const& variant : {text, text + " 0.250", text + R"( "0.250" rt=1)"}) {
        auto const parsed = line(variant);
        CHECK(parsed.client == "192.0.2.7");
        CHECK(when(parsed) == noon);
        CHECK(parsed.method == "POST");
        CHECK(parsed.path == "/webhooks/pay");
        CHECK(parsed.query == "provider=stripe&x=1");
        CHECK(parsed.status == 502);
    }
}

TEST_CASE("Apache's vhost_combined gives the host too") {
    auto const parsed = line("shop.example.com:443 " + combined("GET / HTTP/2.0", "200 5"));
    CHECK(parsed.host == "shop.example.com");
    CHECK(parsed.client == "192.0.2.7");
    CHECK(parsed.path == "/");
}

TEST_CASE("Apache's common line is read, and a fixed format takes no guess") {
    auto const common = line(combined("GET /a HTTP/1.1", "200 5"), LogFormat::common);
    CHECK(common.client == "192.0.2.7");
    CHECK(common.status == 200);
    auto const user = R"(192.0.2.7 identd - [31/Jan/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 5)";
    CHECK(line(user, LogFormat::common).client == "192.0.2.7");
    auto const odd =
        "a.example.com:80 192.0.2.7 - jo e [31/Jan/2026:12:00:00 +0000] \"GET / HTTP/1.1\" 200 5";
    auto const vhost = line(odd, LogFormat::vhost_combined);
    CHECK(vhost.host == "a.example.com");
    CHECK(vhost.client == "192.0.2.7");
    CHECK(unreadable(R"({"status":200})", LogFormat::common));
}

TEST_CASE("a user's name cannot pass for the request") {
    auto const parsed =
        line(R"(192.0.2.7 - a [01/Jan/2020:00:00:00 +0000] \x22GET /admin HTTP/1.1\x22 500 )"
             R"([31/Jan/2026:12:00:00 +0000] "GET /shop HTTP/1.1" 200 5 "-" "-")");
    CHECK(parsed.path == "/shop");
    CHECK(parsed.status == 200);
    CHECK(when(parsed) == noon);
}

TEST_CASE("quotes inside a request do not end it") {
    CHECK(line(combined(R"(GET /a\x22b HTTP/1.1)", "404 5")).path == "/a\"b");
    auto const apache = line(combined(R"(GET /a\" 200 b HTTP/1.1)", "404 5"));
    CHECK(apache.path == "/a\" 200 b");
    CHECK(apache.status == 404);
}

TEST_CASE("a request that is none still has its status") {
    for (auto const* request : {"-", "", R"(\x16\x03\x01\x02)", "quit"}) {
        auto const parsed = line(combined(request, "400 0"));
        CHECK(parsed.status == 400);
        CHECK(parsed.path.empty());
    }
}

TEST_CASE("a line without a usable status says so") {
    for (auto const* status : {"-", "000", "099", "600", "700"}) {
        CHECK(line(combined("GET / HTTP/1.1", std::string(status) + " 0")).status == 0);
    }
}

TEST_CASE("absolute targets give host and path") {
    auto const parsed = line(combined("GET http://a.example.com/x?y=1 HTTP/1.1", "200 1"));
    CHECK(parsed.host == "a.example.com");
    CHECK(parsed.path == "/x");
    CHECK(parsed.query == "y=1");
}

TEST_CASE("what is no access log line is unreadable, whole or cut anywhere") {
    std::vector<std::string> const wrong{
        "",
        "hello",
        std::string(5000, '\xff'),
        std::string(3, '\0'),
        R"(192.0.2.7 - - [31/Foo/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 5)",
        R"(192.0.2.7 - - [31/Jan/2026] "GET / HTTP/1.1" 200 5)",
        combined("GET /", "abc"),
        "{",
        "[]",
    };
    for (auto const& text : wrong) {
        CAPTURE(text);
        CHECK(unreadable(text));
    }
    auto const whole = combined("GET / HTTP/1.1", "200 5 \"-\" \"-\"");
    for (std::size_t length = 0; length < whole.find(" 200"); ++length) {
        CHECK(unreadable(whole.substr(0, length)));
    }
}

TEST_CASE("nginx's usual JSON names are read") {
    auto const parsed =
        line(R"({"time_iso8601":"2026-01-31T13:00:00+01:00","remote_addr":"192.0.2.7",)"
             R"("request":"GET /a?b=c HTTP/1.1","status":"503","host":"shop.example.com"})");
    CHECK(when(parsed) == noon);
    CHECK(parsed.client == "192.0.2.7");
    CHECK(parsed.method == "GET");
    CHECK(parsed.path == "/a");
    CHECK(parsed.query == "b=c");
    CHECK(parsed.status == 503);
    CHECK(parsed.host == "shop.example.com");
}

TEST_CASE("paths and queries that stand apart are put together") {
    auto const parsed = line(
        R"({"time":"2026-01-31T12:00:00Z","method":"PUT","path":"/a","args":"b=c","status":200})"
    );
    CHECK(parsed.method == "PUT");
    CHECK(parsed.path == "/a");
    CHECK(parsed.query == "b=c");
}

TEST_CASE("Caddy's nested request is read, and times in seconds of any size") {
    for (auto const* time :
         {"1769860800", "1769860800.0", "1769860800000", "1769860800000000", "1769860800000000000",
          "\"1769860800\"", "\"31/Jan/2026:12:00:00 +0000\""}) {
        CAPTURE(time);
        auto const parsed = line(
            std::string(R"({"ts":)") + time +
            R"(,"request":{"method":"GET","uri":"/x?y=1","host":"a.example.com",)"
            R"("remote_ip":"192.0.2.7"},"status":200})"
        );
        CHECK(when(parsed) == noon);
        CHECK(parsed.path == "/x");
        CHECK(parsed.host == "a.example.com");
        CHECK(parsed.client == "192.0.2.7");
    }
}

TEST_CASE("configured names and pointers win over the usual ones") {
    LogKeys keys;
    keys.status = "/response/code";
    keys.path = "route";
    auto const parsed = line(
        R"({"status":200,"path":"/wrong","response":{"code":500},"route":"/right?a=b"})",
        LogFormat::json, keys
    );
    CHECK(parsed.status == 500);
    CHECK(parsed.path == "/right");
    CHECK(parsed.query == "a=b");
}

TEST_CASE("a status is a whole number, however a JSON line writes it") {
    for (auto const* status : {"500", "500.0", "5E2", "\"500\""}) {
        CAPTURE(status);
        CHECK(line(R"({"path":"/","status":)" + std::string(status) + "}").status == 500);
    }
    CHECK(line(R"({"path":"/","status":500.5})").status == 0);
}

TEST_CASE("a JSON line without status or time says so") {
    auto const parsed = line(R"({"path":"/"})");
    CHECK(parsed.status == 0);
    CHECK(when(parsed) == "none");
    CHECK(unreadable(R"([{"status":200}])", LogFormat::json));
    CHECK(unreadable("plain text", LogFormat::json));
    CHECK(unreadable(R"({"status":200})", LogFormat::combined));
}

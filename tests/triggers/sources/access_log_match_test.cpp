#include "triggers/sources/access_log_match.hpp"

#include "tests/catch.hpp"
#include "triggers/sources/registry.hpp"

using namespace rollbackd;
using namespace std::chrono_literals;

namespace {

Now const now{Instant(1h), WallTime(std::chrono::sys_days(std::chrono::year(2026) / 1 / 31) + 12h)};

SignalPolicy signal(std::string_view params, std::string by = {}) {
    SignalPolicy made;
    made.name = "requests";
    made.type = "access_log";
    made.kind = SignalKind::outcomes;
    made.params = parse_json(params)->as_object();
    made.by = std::move(by);
    return made;
}

std::string combined(std::string_view request, int status) {
    return "192.0.2.7 - - [31/Jan/2026:11:59:50 +0000] \"" + std::string(request) + "\" " +
           std::to_string(status) + " 5 \"-\" \"-\"";
}

struct Read {
    LineFate fate = LineFate::sample;
    Sample sample;

    OutcomesValue counts() const { return std::get<OutcomesValue>(sample.value); }
};

Read read(std::string_view line, std::string_view params, std::string by = {}) {
    auto const reader = AccessLogReader::make("shop", signal(params, std::move(by)));
    INFO((reader ? std::string() : to_string(reader.error())));
    REQUIRE(reader.has_value());
    Read made;
    made.fate = reader->read(line, now, made.sample);
    return made;
}

Error wrong(std::string_view params) {
    auto const by = text_of(*parse_json(params), "by");
    auto const problems = check_source(signal(params, by));
    CAPTURE(std::string(params));
    REQUIRE(problems.size() == 1);
    return problems[0];
}

// "success", "failure" or "neutral" of a status under rules.
std::string outcome(int status, std::string_view params = "{}") {
    auto const counts = read(combined("GET / HTTP/1.1", status), params).counts();
    return counts.success == 1 ? "success" : counts.failure == 1 ? "failure" : "neutral";
}

LineFate host_fate(std::string const& host, std::string const& wanted) {
    auto const line = R"({"status":200,"path":"/","host":")" + host + "\"}";
    return read(line, R"({"match":{"host":)" + wanted + "}}").fate;
}

}  // namespace

TEST_CASE("a failing line becomes a sample with its own time, reason and client") {
    auto const made = read(combined("POST /pay?x=1 HTTP/1.1", 502), "{}");
    REQUIRE(made.fate == LineFate::sample);
    CHECK(made.sample.service == "shop");
    CHECK(made.sample.signal == "requests");
    CHECK(made.sample.at == now.boot - 10s);
    CHECK(made.counts() == OutcomesValue{0, 1, 0, "status: 502 POST /pay"});
    CHECK(made.sample.client == "192.0.2.7");
    CHECK(made.sample.by.empty());
    CHECK(made.sample.id.empty());
}

TEST_CASE("5xx fail, 4xx are neutral, 2xx and 3xx succeed") {
    for (auto const& [status, expected] : std::vector<std::pair<int, std::string>>{
             {200, "success"},
             {204, "success"},
             {304, "success"},
             {399, "success"},
             {400, "neutral"},
             {404, "neutral"},
             {499, "neutral"},
             {500, "failure"},
             {503, "failure"},
             {599, "failure"},
         }) {
        CHECK(outcome(status) == expected);
    }
}

TEST_CASE("fail and neutral change single statuses and classes, and the rest stays") {
    CHECK(outcome(429, R"({"fail":[429]})") == "failure");
    CHECK(outcome(429, R"({"fail":"429"})") == "failure");
    CHECK(outcome(500, R"({"fail":[429]})") == "failure");
    CHECK(outcome(404, R"({"fail":[429]})") == "neutral");
    CHECK(outcome(503, R"({"neutral":503})") == "neutral");
    CHECK(outcome(500, R"({"neutral":503})") == "failure");
    CHECK(outcome(404, R"({"fail":"4xx"})") == "failure");
    CHECK(outcome(302, R"({"neutral":["3xx"]})") == "neutral");
    CHECK(outcome(404, R"({"fail":["4xx"],"neutral":[404]})") == "neutral");
    CHECK(outcome(404, R"({"fail":[404],"neutral":["4xx"]})") == "failure");
}

TEST_CASE("1xx and lines without a status are no samples") {
    CHECK(read(combined("GET / HTTP/1.1", 101), "{}").fate == LineFate::no_status);
    CHECK(read(combined("GET / HTTP/1.1", 0), "{}").fate == LineFate::no_status);
    CHECK(read("garbage", "{}").fate == LineFate::unreadable);
}

TEST_CASE("only lines that match everything asked for count") {
    auto const* const params =
        R"({"match":{"path":"^/webhooks/","method":["post","PUT"],"query":"\\bk=1"}})";
    CHECK(read(combined("POST /webhooks/a?k=1 HTTP/1.1", 200), params).fate == LineFate::sample);
    for (auto const* request :
         {"GET /webhooks/a?k=1 HTTP/1.1", "POST /shop?k=1 HTTP/1.1", "POST /webhooks/a HTTP/1.1",
          "POST /a?x=/webhooks/&k=1 HTTP/1.1", "-"}) {
        CAPTURE(request);
        CHECK(read(combined(request, 200), params).fate == LineFate::unmatched);
    }
}

TEST_CASE("the path is matched without its query string") {
    auto const* const params = R"({"match":{"path":"/pay$"}})";
    CHECK(read(combined("GET /pay?x=1 HTTP/1.1", 200), params).fate == LineFate::sample);
    CHECK(read(combined("GET /x?/pay HTTP/1.1", 200), params).fate == LineFate::unmatched);
}

TEST_CASE("hosts match by name, without case or port, and below a star") {
    CHECK(host_fate("Shop.example.com:8443", R"("shop.example.com")") == LineFate::sample);
    CHECK(host_fate("a.example.com", R"(["b.example.com","*.example.com"])") == LineFate::sample);
    CHECK(host_fate("example.com", R"("*.example.com")") == LineFate::unmatched);
    CHECK(host_fate("badexample.com", R"("*.example.com")") == LineFate::unmatched);
}

TEST_CASE("the key of a streak comes from a group, a member, or the query string") {
    auto const by = [](std::string const& line, std::string_view params = "{}") {
        return read(line, params, "provider").sample.by;
    };
    CHECK(by(combined("POST /w?provider=stripe HTTP/1.1", 500)) == "stripe");
    auto const* const group = R"json({"match":{"path":"^/webhooks/(?P<provider>[a-z]+)"}})json";
    CHECK(by(combined("POST /webhooks/adyen?provider=x HTTP/1.1", 500), group) == "adyen");
    CHECK(by(R"({"status":500,"path":"/?provider=x","provider":"paypal"})") == "paypal");
    CHECK(by(combined("POST /w HTTP/1.1", 500)).empty());
    auto const longest = "POST /w?provider=" + std::string(1000, 'x') + " HTTP/1.1";
    CHECK(by(combined(longest, 500)).size() <= by_bytes_max + 3);
}

TEST_CASE("a line without a time happened now") {
    CHECK(read(R"({"status":200,"path":"/"})", "{}").sample.at == now.boot);
}

TEST_CASE("a pattern's lines are judged as those of any other form") {
    auto const* const params =
        R"re({"pattern":"^(?P<provider>\\w+) (?P<path>\\S+) (?P<status>\\d+)$","match":{"path":"^/w"}})re";
    auto const made = read("stripe /w?x=1 503", params, "provider");
    REQUIRE(made.fate == LineFate::sample);
    CHECK(made.counts() == OutcomesValue{0, 1, 0, "status: 503 /w"});
    CHECK(made.sample.by == "stripe");
    CHECK(made.sample.at == now.boot);
    CHECK(read("stripe /x 200", params, "provider").fate == LineFate::unmatched);
    CHECK(read("stripe /w 101", params, "provider").fate == LineFate::no_status);
    CHECK(read("garbage", params, "provider").fate == LineFate::unreadable);
}

TEST_CASE("an event is told from others by a member, a group or a query parameter") {
    auto const id = [](std::string const& line, std::string_view params) {
        return read(line, params).sample.id;
    };
    CHECK(
        id(R"({"status":500,"event":{"id":"evt_1"}})", R"({"keys":{"id":"/event/id"}})") == "evt_1"
    );
    CHECK(id(R"({"status":500,"evt":17})", R"({"id":"evt"})") == "17");
    CHECK(id(combined("POST /w?evt=e%201 HTTP/1.1", 500), R"({"id":"evt"})") == "e 1");
    CHECK(id("evt_1 500", R"re({"pattern":"(?P<id>\\S+) (?P<status>\\d+)"})re") == "evt_1");
    CHECK(
        id("evt_1 500", R"re({"pattern":"(?P<evt>\\S+) (?P<status>\\d+)","id":"evt"})re") == "evt_1"
    );
    CHECK(id(combined("POST /w HTTP/1.1", 500), R"({"id":"evt"})").empty());
    auto const longest = R"({"status":500,"evt":")" + std::string(1000, 'x') + "\"}";
    CHECK(id(longest, R"({"id":"evt"})").size() == id_bytes_max);
}

TEST_CASE("measured, a line is how long its request took, in seconds") {
    auto const seconds = [](std::string const& line, std::string_view params) {
        auto const made = read(line, params);
        REQUIRE(made.fate == LineFate::sample);
        return std::get<GaugeValue>(made.sample.value).value;
    };
    CHECK(seconds(R"({"status":200,"request_time":0.25})", R"({"measure":"latency"})") == 0.25);
    CHECK(seconds(R"({"status":200,"request_time":"0.25"})", R"({"measure":"latency"})") == 0.25);
    CHECK(
        seconds(
            R"({"took":1500})",
            R"({"measure":"latency","keys":{"latency":"took"},"latency_unit":"us"})"
        ) == Approx(0.0015)
    );
    auto const* const pattern =
        R"re({"measure":"latency","pattern":"(?P<latency>\\d+)ms","latency_unit":"ms"})re";
    CHECK(seconds("took 250ms", pattern) == Approx(0.25));
    auto const fate = [](std::string const& line) {
        return read(line, R"({"measure":"latency"})").fate;
    };
    for (auto const* value : {"-1", "\"-\"", "\"0.1, 0.2\"", "null", "1e999", "{}"}) {
        CAPTURE(value);
        CHECK(
            fate(R"({"status":200,"request_time":)" + std::string(value) + "}") != LineFate::sample
        );
    }
    CHECK(fate(combined("GET / HTTP/1.1", 200)) == LineFate::no_status);
    CHECK(fate(R"({"status":101,"request_time":5})") == LineFate::no_status);
}

TEST_CASE("a pattern without a group that is asked for is refused, and says which") {
    std::string const status = R"re("pattern":"(?P<status>.*)")re";
    auto const said = [](std::string const& params) {
        auto const error = wrong("{" + params + "}");
        CHECK(error.where == "pattern");
        return error.what;
    };
    CHECK(said(R"re("pattern":"(")re").starts_with("not an RE2 expression"));
    CHECK(
        said(R"re("pattern":"(?P<path>.*)")re") ==
        "it has no group (?P<status>...) to tell what failed"
    );
    CHECK(
        said(status + R"(,"measure":"latency")") ==
        "it has no group (?P<latency>...) to be measured"
    );
    for (auto const& [member, group] : std::vector<std::pair<std::string, std::string>>{
             {R"("path":"^/a")", "path"},
             {R"("query":"a=")", "query"},
             {R"("method":["GET"])", "method"},
             {R"("host":["a"])", "host"},
         }) {
        CHECK(
            said(status + R"(,"match":{)" + member + "}") ==
            "it has no group (?P<" + group + ">...) for match." + group
        );
    }
    CHECK(said(status + R"(,"by":"provider")").starts_with("it has no group (?P<provider>...)"));
    CHECK(said(status + R"(,"id":"evt")").starts_with("it has no group (?P<evt>...)"));
    CHECK(said(status + R"(,"format":"json")").starts_with("pattern says itself"));
    CHECK(said(status + R"(,"keys":{"path":"x"})").starts_with("pattern says itself"));
}

TEST_CASE("wrong parameters are named by their field") {
    CHECK(wrong(R"({"match":{"path":"("}})").where == "match.path");
    CHECK(wrong(R"({"match":{"query":"*"}})").where == "match.query");
    CHECK(wrong(R"({"match":{"method":[1]}})").where == "match.method");
    CHECK(wrong(R"({"fail":["6xx"]})").where == "fail");
    CHECK(wrong(R"({"neutral":[20]})").where == "neutral");
    CHECK(wrong(R"({"format":"xml"})").where == "format");
    CHECK(wrong(R"({"format":"combined","measure":"latency"})").where == "format");
    CHECK(check_source(signal(R"({"match":{"path":"^/a"}})")).empty());
}

TEST_CASE("the catalogue names every type with its fields") {
    auto const types = source_catalogue();
    REQUIRE(types.size() >= 3);
    CHECK(types[0].name == "access_log");
    CHECK(source_nature("access_log", {}) == SignalNature{"outcomes", false});
    auto const measured = parse_json(R"({"measure":"latency"})")->as_object();
    CHECK(source_nature("access_log", measured) == SignalNature{"gauge", false});
    CHECK(types[1].name == "push");
    CHECK(types[1].kind.empty());
    for (auto const& type : types) {
        CHECK_FALSE(type.is_probe);
        for (auto const& field : type.fields) CHECK_FALSE(field.doc.empty());
    }
}

TEST_CASE("affected() counts clients, or what the signal says instead: an endpoint, a user") {
    auto const client = [](std::string const& line, std::string_view params) {
        return read(line, params).sample.client;
    };
    auto const line = combined("GET /api/v1/orders/17?user=u7 HTTP/1.1", 500);
    CHECK(client(line, R"({"affected":"client"})") == client(line, "{}"));
    CHECK(client(line, R"({"affected":"path"})") == "/api/v1/orders/17");
    CHECK(client(line, R"({"affected":"user"})") == "u7");
    CHECK(client(line, R"({"affected":"nothing"})").empty());
    auto const* const group =
        R"json({"affected":"endpoint","match":{"path":"^/api/v1/(?P<endpoint>[a-z]+)"}})json";
    CHECK(client(line, group) == "orders");
    CHECK(
        client(R"({"status":200,"host":"Shop.example.com:443"})", R"({"affected":"host"})") ==
        "shop.example.com"
    );
    auto const* const pattern =
        R"re({"pattern":"^(?P<endpoint>\\w+) (?P<status>\\d+)$","affected":"endpoint"})re";
    CHECK(client("orders 500", pattern) == "orders");
    auto const* const without = R"re({"pattern":"^(?P<status>\\d+)$","affected":"endpoint"})re";
    CHECK(wrong(without).where == "pattern");
}

#include "triggers/sources/alerts_parse.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;

namespace {

// As Alertmanager 0.25 posts it.
constexpr char const* real = R"({"receiver":"rollbackd","status":"firing","alerts":[
    {"status":"firing","labels":{"alertname":"HighErrors","service":"shop","severity":"page"},
     "annotations":{"summary":"5 % of requests fail"},"startsAt":"2026-01-31T12:00:00.123456789Z",
     "endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://example.com/","fingerprint":"abc"},
    {"status":"resolved","labels":{"alertname":"Slow"},"annotations":{},
     "startsAt":"2026-01-31T11:00:00+01:00","endsAt":"2026-01-31T11:30:00Z","fingerprint":"def"}],
    "groupLabels":{},"commonLabels":{},"commonAnnotations":{},"externalURL":"http://example.com",
    "version":"4","groupKey":"{}:{}","truncatedAlerts":2})";

Result<AlertNotice> read(std::string const& body) { return read_alerts(parse_json(body).value()); }

Error refused(std::string const& body) {
    auto const notice = read(body);
    REQUIRE_FALSE(notice);
    return notice.error();
}

}  // namespace

TEST_CASE("a notification of Alertmanager is read, with its times and what was left out of it") {
    auto const notice = read(real);
    REQUIRE(notice);
    CHECK(notice->truncated == 2);
    REQUIRE(notice->alerts.size() == 2);
    auto const& firing = notice->alerts[0];
    CHECK(firing.firing);
    CHECK(firing.fingerprint == "abc");
    CHECK(firing.labels.at("alertname") == "HighErrors");
    CHECK(firing.summary == "5 % of requests fail");
    CHECK(firing.starts_at == parse_rfc3339("2026-01-31T12:00:00.123456Z").value());
    CHECK_FALSE(firing.ends_at);  // Go's year 1 is no time
    auto const& over = notice->alerts[1];
    CHECK_FALSE(over.firing);
    CHECK(over.starts_at == parse_rfc3339("2026-01-31T10:00:00Z").value());
    CHECK(over.ends_at == parse_rfc3339("2026-01-31T11:30:00Z").value());
}

TEST_CASE("alerts without a fingerprint are told apart by their labels") {
    auto const notice = read(R"({"status":"firing","alerts":[
        {"labels":{"a":"1","b":"2"}},{"labels":{"b":"2","a":"1"}},{"labels":{"a":"1=","b":"2"}}]})"
    );
    REQUIRE(notice);
    auto const& alerts = notice->alerts;
    CHECK(alerts[0].firing);  // as the whole notification says
    CHECK(alerts[0].fingerprint == alerts[1].fingerprint);
    CHECK(alerts[0].fingerprint != alerts[2].fingerprint);
    CHECK_FALSE(alerts[0].starts_at);
}

TEST_CASE("an alert without a status, or with a time that is none, says where it is wrong") {
    CHECK(refused(R"({"alerts":[{"labels":{}}]})").where == "/alerts/0/status");
    CHECK(
        refused(R"({"alerts":[{"status":"firing","labels":{},"startsAt":"noon"}]})").where ==
        "/alerts/0/startsAt"
    );
}

TEST_CASE("a notification of more alerts or labels than allowed is refused whole") {
    std::string many = R"({"status":"firing","alerts":[)";
    for (std::size_t i = 0; i <= alerts_max; ++i)
        many += std::string(i ? "," : "") + R"({"labels":{}})";
    CHECK(refused(many + "]}").code == Errc::too_large);
    std::string wide = R"({"status":"firing","alerts":[{"labels":{)";
    for (std::size_t i = 0; i <= alert_labels_max; ++i) {
        wide += std::string(i ? "," : "") + "\"l" + std::to_string(i) + R"(":"")";
    }
    CHECK(refused(wide + "}}]}").code == Errc::too_large);
}

#include "actions/notify/payload.hpp"

#include "tests/catch.hpp"

using namespace rollbackd;

namespace {

Outgoing message() {
    Outgoing out;
    out.id = "msg-1";
    out.event = "incident.acting";
    out.incident = "inc-1";
    out.text = "shop is down (4 > 3)";
    out.command = "rollbackctl show inc-1";
    out.at = parse_rfc3339("2026-01-31T12:00:00Z").value();
    return out;
}

}  // namespace

TEST_CASE("the generic form carries event, incident, text, command and time") {
    auto sent = message();
    sent.payload = JsonObject{{"id", "inc-1"}, {"state", "acting"}};
    auto const json = generic_payload(sent);
    CHECK(text_of(json, "event") == "incident.acting");
    CHECK(text_of(*find(json, "incident"), "state") == "acting");
    CHECK(text_of(json, "text") == "shop is down (4 > 3)");
    CHECK(text_of(json, "command") == "rollbackctl show inc-1");
    CHECK(text_of(json, "at") == "2026-01-31T12:00:00.000000Z");
    CHECK(text_of(*find(generic_payload(message()), "incident"), "id") == "inc-1");
    sent = message();
    sent.incident.clear();
    CHECK(find(generic_payload(sent), "incident")->is_null());
}

TEST_CASE("nothing in a message can mention anyone or make a link in Slack") {
    auto sent = message();
    sent.text = "branch <!channel> & <@U123> <https://evil.example.com|bank> \x1b[31m";
    auto const json = slack_payload(sent);
    CHECK(
        text_of(json, "text") ==
        "branch &lt;!channel&gt; &amp; &lt;@U123&gt; &lt;https://evil.example.com|bank&gt; "
        "\\x1b[31m\nrollbackctl show inc-1"
    );
    CHECK(find(json, "mrkdwn")->as_bool() == false);
}

TEST_CASE("nothing in a message can mention anyone, format or make a link in Discord") {
    auto sent = message();
    sent.text = "branch @everyone **x** [bank](https://evil.example.com) <#1>";
    auto const json = discord_payload(sent);
    CHECK(
        text_of(json, "content") ==
        R"(branch \@everyone \*\*x\*\* \[bank\]\(https\://evil\.example\.com\) \<\#1\>)"
        "\nrollbackctl show inc\\-1"
    );
    CHECK(to_text(*find(json, "allowed_mentions")) == R"({"parse":[]})");
    sent.text = std::string(5000, '*');
    CHECK(text_of(discord_payload(sent), "content").size() == 2000);
}

TEST_CASE("Teams gets an Adaptive Card whose lines are shown as they are") {
    auto sent = message();
    sent.text = "shop is **down**\n[a](b)";
    auto const json = teams_payload(sent);
    auto const& attachment = find(json, "attachments")->get_array().front();
    CHECK(text_of(attachment, "contentType") == "application/vnd.microsoft.card.adaptive");
    auto const& body = find(*find(attachment, "content"), "body")->get_array();
    REQUIRE(body.size() == 3);
    CHECK(
        to_text(body.front()) ==
        R"({"type":"RichTextBlock","inlines":[{"type":"TextRun","text":"shop is **down**"}]})"
    );
    CHECK(to_text(body.back()).find("rollbackctl show inc-1") != std::string::npos);
}

TEST_CASE("PagerDuty's alert is triggered, acknowledged and resolved under the incident's id") {
    auto sent = message();
    sent.payload =
        JsonObject{{"id", "inc-1"}, {"service", "shop"}, {"severity", "P0"}, {"state", "acting"}};
    auto const triggered = pagerduty_event(sent, "key");
    CHECK(text_of(triggered, "routing_key") == "key");
    CHECK(text_of(triggered, "event_action") == "trigger");
    CHECK(text_of(triggered, "dedup_key") == "inc-1");
    auto const& payload = *find(triggered, "payload");
    CHECK(text_of(payload, "severity") == "critical");
    CHECK(text_of(payload, "source") == "shop");
    CHECK(text_of(payload, "summary") == "shop is down (4 > 3)");
    sent.event = "incident.acked";
    CHECK(
        to_text(pagerduty_event(sent, "key")) ==
        R"({"routing_key":"key","event_action":"acknowledge","dedup_key":"inc-1"})"
    );
    sent.event = "incident.resolved";
    CHECK(text_of(pagerduty_event(sent, "key"), "event_action") == "resolve");
    sent.event = "duty.overdue";  // it may come after the end: an alert of its own
    CHECK(text_of(pagerduty_event(sent, "key"), "dedup_key") == "msg-1");
    sent.event = "follow_up.due";  // all of an incident's are one alert, which wakes nobody
    auto const reminded = pagerduty_event(sent, "key");
    CHECK(text_of(reminded, "dedup_key") == "inc-1:follow_up");
    CHECK(text_of(*find(reminded, "payload"), "severity") == "info");
}

TEST_CASE("Alertmanager's alert keeps its labels from the beginning to the end") {
    auto sent = message();
    sent.payload = JsonObject{
        {"id", "inc-1"},
        {"service", "shop"},
        {"severity", "P0"},
        {"opened_at", "2026-01-31T11:59:00.000000Z"},
        {"triggers", JsonArray{JsonObject{{"severity", "P2"}}, JsonObject{{"severity", "P0"}}}}
    };
    auto const fires = alertmanager_alerts(sent, {{"team", "shop"}}).get_array().front();
    CHECK(
        to_text(*find(fires, "labels")) ==
        R"({"team":"shop","alertname":"RollbackdIncident","service":"shop","incident":"inc-1","severity":"P2"})"
    );
    CHECK(text_of(fires, "startsAt") == "2026-01-31T11:59:00.000000Z");
    CHECK(text_of(fires, "endsAt") == "2026-03-03T12:00:00.000000Z");
    sent.event = "incident.resolved";
    auto const over = alertmanager_alerts(sent, {{"team", "shop"}}).get_array().front();
    CHECK(to_text(*find(over, "labels")) == to_text(*find(fires, "labels")));
    CHECK(text_of(over, "endsAt") == "2026-01-31T12:00:00.000000Z");
}

TEST_CASE("the command is not said twice, and a long text is cut") {
    auto sent = message();
    sent.text = "do: rollbackctl show inc-1";
    CHECK(text_of(slack_payload(sent), "text") == sent.text);
    sent.text = std::string(100'000, 'x');
    CHECK(text_of(slack_payload(sent), "text").size() < 10'000);
}

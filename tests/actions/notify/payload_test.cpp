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

TEST_CASE("the command is not said twice, and a long text is cut") {
    auto sent = message();
    sent.text = "do: rollbackctl show inc-1";
    CHECK(text_of(slack_payload(sent), "text") == sent.text);
    sent.text = std::string(100'000, 'x');
    CHECK(text_of(slack_payload(sent), "text").size() < 10'000);
}

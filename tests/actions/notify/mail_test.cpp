#include "actions/notify/mail.hpp"

#include "tests/catch.hpp"

using namespace rollbackd;

namespace {

Outgoing message() {
    Outgoing out;
    out.id = "MSG-7";
    out.event = "incident.acting";
    out.incident = "INC-1";
    out.text = "shop is down (4 > 3)\nand more";
    out.command = "rollbackctl show INC-1";
    out.payload = JsonObject{{"id", "INC-1"}, {"opened_at", "2026-01-31T11:59:00.000000Z"}};
    out.at = parse_rfc3339("2026-01-31T12:00:00.25Z").value();
    return out;
}

Envelope const envelope{"rollbackd@example.com", {"ops@example.com", "dba@example.net"}};

bool contains(std::string const& text, std::string const& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a mail has its headers, one id for every attempt, and a thread for each incident") {
    auto const text = mail_text(message(), envelope);
    CHECK(contains(text, "From: rollbackd <rollbackd@example.com>\r\n"));
    CHECK(contains(text, "To: ops@example.com,\r\n dba@example.net\r\n"));
    CHECK(contains(text, "Subject: [rollbackd] shop is down (4 > 3)\r\n"));
    CHECK(contains(text, "Date: Sat, 31 Jan 2026 12:00:00 +0000\r\n"));
    CHECK(contains(text, "Message-ID: <MSG-7.1769860800@example.com>\r\n"));
    auto const root = "<INC-1.2026-01-31T11-59-00-000000Z@example.com>\r\n";
    CHECK(contains(text, std::string("References: ") + root));
    CHECK(contains(text, "Auto-Submitted: auto-generated\r\n"));
    CHECK(text == mail_text(message(), envelope));
    auto const body = text.substr(text.find("\r\n\r\n") + 4);
    CHECK(body == "c2hvcCBpcyBkb3duICg0ID4gMykKYW5kIG1vcmUKcm9sbGJhY2tjdGwgc2hvdyBJTkMtMQo=\r\n");
}

TEST_CASE("what somebody wrote never becomes a header, and other scripts survive") {
    auto sent = message();
    sent.text = "a\r\nBcc: everyone@example.org\r\n\r\nb";
    auto const text = mail_text(sent, envelope);
    CHECK_FALSE(contains(text, "\nBcc"));
    sent.text = "Zahlung schlägt fehl: " + std::string(60, 'x') + "üüü";
    auto const encoded = mail_text(sent, envelope);
    CHECK(contains(encoded, "Subject: =?UTF-8?B?"));
    std::size_t at = 0;
    for (auto end = encoded.find("\r\n"); end != std::string::npos;
         end = encoded.find("\r\n", at)) {
        CHECK(end - at <= 78);
        at = end + 2;
    }
}

TEST_CASE("only plain addresses are addresses") {
    CHECK(is_address("ops+night@mail.example.com"));
    for (auto const* wrong :
         {"", "ops", "@example.com", "ops@", "a@b@c", "Ops <ops@example.com>",
          "ops@example.com\r\nDATA", "-x@example.com", "a b@example.com"}) {
        CAPTURE(wrong);
        CHECK_FALSE(is_address(wrong));
    }
}

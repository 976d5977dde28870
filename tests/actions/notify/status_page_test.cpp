#include "actions/notify/status_page.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;
using namespace std::chrono_literals;

namespace {

WallTime at(std::string const& text) { return *parse_rfc3339("2026-01-31T" + text + "Z"); }

Json incident(std::string const& id, std::string const& state, JsonObject more = {}) {
    JsonObject out = std::move(more);
    out["id"] = to_json(id);
    out["service"] = "shop";
    out["state"] = to_json(state);
    if (!out.contains("opened_at")) out["opened_at"] = "2026-01-31T12:00:00Z";
    if (!out.contains("recovered_at")) out["recovered_at"] = nullptr;
    out["summary"] = "secret: dsn=postgresql://root:hunter2@db";
    return out;
}

StatusEntry entry(std::string const& id, std::string const& state, JsonObject more = {}) {
    return *status_entry(incident(id, state, std::move(more)), "Shop", at("12:05:00"), 30min);
}

}  // namespace

TEST_CASE("each state of an incident has its word for the public") {
    CHECK(entry("INC-1", "open").state == "investigating");
    CHECK(entry("INC-1", "waiting").state == "investigating");
    CHECK(entry("INC-1", "acting").state == "mending");
    CHECK(entry("INC-1", "verifying").state == "checking");
    CHECK(entry("INC-1", "unverified").state == "checking");
    JsonObject const recovered{{"recovered_at", "2026-01-31T12:04:00Z"}};
    CHECK(entry("INC-1", "verifying", recovered).state == "monitoring");
    CHECK(entry("INC-1", "frozen").state == "people");
    CHECK(entry("INC-1", "resolved").state == "resolved");
}

TEST_CASE("what lasts says since when and when more is said, what is over until when") {
    auto const lasts = entry("INC-1", "acting");
    CHECK(lasts.affected == "Shop");
    CHECK(lasts.since == at("12:00:00"));
    CHECK(lasts.next_update == at("12:35:00"));
    auto const over = entry("INC-1", "resolved", {{"resolved_at", "2026-01-31T12:04:30Z"}});
    CHECK_FALSE(over.next_update);
    CHECK(over.resolved_at == at("12:04:30"));
    CHECK_FALSE(status_entry(nullptr, "Shop", at("12:05:00"), 30min));
    CHECK_FALSE(status_entry(Json(JsonObject{{"id", "INC-1"}}), "Shop", at("12:05:00"), 30min));
}

TEST_CASE("nothing of what an incident says of itself reaches the public") {
    StatusPage page;
    page = with_entry(page, entry("INC-1", "open"));
    CHECK(to_text(to_json(page)).find("hunter2") == std::string::npos);
    CHECK(status_html(page).find("hunter2") == std::string::npos);
}

TEST_CASE("the page keeps what is still broken while another is mended") {
    StatusPage page;
    page = with_entry(page, entry("INC-1", "open"));
    page = with_entry(page, entry("INC-2", "open"));
    CHECK(page.status == "disrupted");
    page = with_entry(page, entry("INC-2", "resolved", {{"resolved_at", "2026-01-31T12:04:30Z"}}));
    CHECK(page.status == "disrupted");
    REQUIRE(page.incidents.size() == 2);
    CHECK(page.incidents[0].incident == "INC-1");
    page = with_entry(page, entry("INC-1", "resolved", {{"resolved_at", "2026-01-31T12:05:00Z"}}));
    CHECK(page.status == "operational");
    auto const same = with_entry(page, page.incidents[0]);
    CHECK(same == page);
}

TEST_CASE("what was over a day ago goes, and what lasts is never one of too many") {
    StatusPage page;
    page = with_entry(page, entry("INC-1", "resolved", {{"resolved_at", "2026-01-29T12:00:00Z"}}));
    page = with_entry(page, entry("INC-2", "open", {{"opened_at", "2026-01-01T12:00:00Z"}}));
    CHECK(page.incidents.size() == 1);
    for (int i = 3; i < 300; ++i) {
        page = with_entry(
            page,
            entry("INC-" + std::to_string(i), "resolved", {{"resolved_at", "2026-01-31T12:04:00Z"}})
        );
    }
    CHECK(page.incidents.size() == 100);
    CHECK(page.incidents.front().incident == "INC-2");
    CHECK(page.status == "disrupted");
}

TEST_CASE("what is read back is what was written, and anything else is an empty page") {
    StatusPage page;
    page.title = "Status";
    page = with_entry(page, entry("INC-1", "open"));
    CHECK(read_status_page(to_pretty_text(to_json(page))) == page);
    for (auto const* const text :
         {"", "[]", "null", "{\"incidents\":7}", "{\"incidents\":[{\"since\":\"soon\"}]}", "<html>"
         }) {
        INFO(text);
        CHECK(read_status_page(text).incidents.empty());
    }
}

TEST_CASE("whatever a name is made of, it is text on the page") {
    auto evil = entry("INC-1", "open");
    evil.affected = "</h2><script>alert('x')</script>\"&\n\x1b[2J";
    StatusPage page;
    page.title = "<title>";
    auto const html = status_html(with_entry(page, evil));
    CHECK(html.find("<script>") == std::string::npos);
    CHECK(
        html.find("&lt;/h2&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;") !=
        std::string::npos
    );
    CHECK(html.find("<title>&lt;title&gt;</title>") != std::string::npos);
    CHECK(html.find('\x1b') == std::string::npos);
    CHECK(html.starts_with("<!DOCTYPE html>"));
}

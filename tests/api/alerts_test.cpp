// Alertmanager's webhook at the API: who may, what is taken, what is refused.
#include "tests/api/support/fake_host.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;
using namespace rollbackd::api::testing;

namespace {

constexpr char const* firing = R"({"version":"4","status":"firing","alerts":[
    {"labels":{"alertname":"Down"}},{"labels":{"alertname":"Slow"}}]})";

}  // namespace

TEST_CASE("a notification is handed on whole, and what became of it is answered with 202") {
    Desk desk;
    auto const answer = desk.post("/v1/alerts", firing, "ingest");
    CHECK(answer.status == 202);
    CHECK(answer.json().at("accepted") == 2);
    CHECK(answer.json().at("unmatched") == 2);
    REQUIRE(desk.host.notices.size() == 1);
    CHECK(desk.host.notices[0].alerts[1].labels.at("alertname") == "Slow");
    CHECK(desk.host.last_trusted);
}

TEST_CASE("who may not push may not notify") {
    Desk desk;
    CHECK(desk.post("/v1/alerts", firing, "").status == 401);
    CHECK(desk.post("/v1/alerts", firing, "read").status == 403);
    CHECK(desk.post("/v1/alerts", firing, "approve").status == 403);
    CHECK(desk.host.notices.empty());
}

TEST_CASE(
    "what cannot be taken is refused with its place, and while the journal is lost it is taken"
) {
    Desk desk;
    CHECK(desk.post("/v1/alerts", "nonsense", "ingest").status == 400);
    CHECK(desk.post("/v1/alerts", "", "ingest").status == 400);
    auto const wrong = desk.post("/v1/alerts", R"({"alerts":[{"labels":{}}]})", "ingest");
    CHECK(wrong.status == 422);
    CHECK(text_of(wrong.json().at("errors").at(0), "pointer") == "/alerts/0/status");
    desk.host.queue_full = true;
    CHECK(desk.post("/v1/alerts", firing, "ingest").status == 429);
    desk.host.queue_full = false;
    desk.host.writable = false;
    CHECK(desk.post("/v1/alerts", firing, "ingest").status == 202);
}

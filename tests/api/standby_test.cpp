// A daemon whose shared store another one holds answers questions and nothing else.
#include "tests/api/support/fake_host.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;

using namespace rollbackd::api::testing;

TEST_CASE("who stands by answers what is read, and refuses every change with who acts") {
    Desk desk;
    desk.host.standing_by = "this rollbackd stands by: web1 holds the lease";
    for (auto const* const path :
         {"/v1/pause", "/v1/services/shop/signals/webhooks", "/v1/alerts", "/v1/config/reload",
          "/v1/incidents/INC-1/abort", "/v1/services/shop/deployments"}) {
        CAPTURE(path);
        auto const answer = desk.post(path, "{}");
        CHECK(answer.status == 503);
        CHECK(answer.body.find("web1 holds the lease") != std::string::npos);
    }
    CHECK(desk.get("/v1/status").status == 200);
    CHECK(desk.get("/v1/services").status == 200);
    CHECK(desk.post("/v1/config/check", "{}", "read").status == 200);
}

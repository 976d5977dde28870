// Status codes and shapes of DESIGN A4, each resource once.
#include "tests/api/support/fake_host.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;
using namespace rollbackd::api::testing;
using namespace std::chrono_literals;

namespace {

std::set<std::string> keys(Json const& value) {
    std::set<std::string> out;
    for (auto const& [key, item] : value.as_object()) out.insert(std::string(key));
    return out;
}

bool has(Json const& value, std::set<std::string> const& wanted) {
    auto const present = keys(value);
    return std::includes(present.begin(), present.end(), wanted.begin(), wanted.end());
}

/// v1 known-good, v2 deployed, health failing: a rollback whose first step was started.
void breach(Desk& desk) {
    desk.host.world.release_v2();
    desk.host.world.fail_health(3);
    desk.host.world.answer();
}

}  // namespace

TEST_CASE("health, readiness and metrics need no token") {
    Desk desk;
    CHECK(desk.get("/healthz", "").status == 200);
    CHECK(desk.get("/metrics", "").body == "rollbackd_up 1\n");
    CHECK(desk.get("/metrics", "").type.starts_with("text/plain; version=0.0.4"));
    CHECK(desk.get("/readyz", "").status == 200);
    desk.host.writable = false;
    CHECK(desk.get("/readyz", "").status == 503);
}

TEST_CASE("the status names autonomy, role and open incidents") {
    Desk desk;
    auto const quiet = desk.get("/v1/status", "read").json();
    CHECK(has(quiet, {"autonomy", "role", "open_incidents", "version", "journal", "paused"}));
    CHECK(quiet.at("open_incidents").as_array().empty());
    breach(desk);
    auto const busy = desk.get("/v1/status").json();
    CHECK(text_of(busy.at("open_incidents").at(0), "id") == "INC-1");
}

TEST_CASE("a service shows its signals and triggers in the shapes of the contract") {
    Desk desk;
    desk.host.world.release_v2();
    auto const service = desk.get("/v1/services/shop").json();
    auto const& trigger = service.at("triggers").at(0);
    CHECK(has(trigger, {"name", "verdict", "why", "severity", "count", "threshold", "since"}));
    CHECK(text_of(trigger, "verdict") == "false");
    auto const& signal = service.at("signals").at(0);
    CHECK(has(signal, {"name", "kind", "last_value", "last_at", "stale"}));
    CHECK(text_of(signal, "last_value") == "ok");
    CHECK(signal.at("stale") == false);
    CHECK(text_of(service, "current") == "v2");
    CHECK(text_of(service, "target") == "v1");
    auto const list = desk.get("/v1/services").json();
    CHECK(list.at("items").as_array().size() == 1);
    CHECK(list.at("next").is_null());
}

TEST_CASE("what does not exist is 404 and names what was meant") {
    Desk desk;
    for (auto const* const path :
         {"/v1/services/nope", "/v1/services/nope/deployments", "/v1/services/shop/signals/nope",
          "/v1/incidents/INC-9", "/v1/incidents/INC-9/report", "/v1/nope", "/v2/status",
          "/v1/services/shop/triggers/nope/explain"}) {
        CAPTURE(path);
        auto const answer = desk.get(path);
        CHECK(answer.status == 404);
        CHECK(answer.type == "application/problem+json");
        CHECK(text_of(answer.json(), "instance") == path);
    }
    CHECK(
        text_of(desk.get("/v1/services/shpo").json(), "detail").find("shop?") != std::string::npos
    );
}

TEST_CASE("a method that is not for the path is 405 with Allow") {
    Desk desk;
    auto const answer = desk.ask("PUT", "/v1/status");
    CHECK(answer.status == 405);
    CHECK(answer.headers.at("Allow") == "GET, HEAD");
}

TEST_CASE("a body of another type is 415, and none at all is fine") {
    Desk desk;
    CHECK(
        desk.ask("POST", "/v1/pause", "{}", "admin", {{"content-type", "text/plain"}}).status == 415
    );
    CHECK(desk.ask("POST", "/v1/pause", "{}", "admin", {{"content-type", ""}}).status == 415);
    CHECK(
        desk.ask("POST", "/v1/pause", "", "admin", {{"content-type", "text/plain"}}).status == 200
    );
    CHECK(
        desk.ask(
                "POST", "/v1/pause", "{}", "admin",
                {{"content-type", "Application/JSON; charset=utf-8"}}
        )
            .status == 200
    );
}

TEST_CASE("an unknown query parameter is 422 and named") {
    Desk desk;
    auto const answer = desk.get("/v1/incidents?servce=shop");
    CHECK(answer.status == 422);
    CHECK(text_of(answer.json(), "detail").find("service?") != std::string::npos);
    CHECK(desk.get("/v1/incidents?limit=0").status == 422);
    CHECK(desk.get("/v1/incidents?limit=x").status == 422);
    CHECK(desk.get("/v1/incidents?state=nope").status == 422);
    CHECK(desk.get("/v1/incidents?cursor=INC-77").status == 422);
    CHECK(desk.get("/v1/services/shop/signals/health?range=soon").status == 422);
}

TEST_CASE("a deployment is 201, bakes, and is listed newest first") {
    Desk desk;
    auto const made = desk.post("/v1/services/shop/deployments", R"({"version":"v1"})", "ingest");
    CHECK(made.status == 201);
    CHECK(text_of(made.json(), "version") == "v1");
    CHECK(text_of(made.json(), "standing") == "baking");
    CHECK(made.json().at("quarantined") == false);
    CHECK(text_of(made.json(), "by") == "test-ingest");
    desk.host.world.pass(1s);
    desk.post("/v1/services/shop/deployments", R"({"version":"v2","known_good":true})");
    auto const list = desk.get("/v1/services/shop/deployments?limit=1").json();
    CHECK(text_of(list.at("items").at(0), "version") == "v2");
    auto const cursor = text_of(list, "next");
    auto const rest = desk.get("/v1/services/shop/deployments?cursor=" + cursor).json();
    CHECK(text_of(rest.at("items").at(0), "version") == "v1");
    CHECK(rest.at("next").is_null());
    CHECK(text_of(desk.get("/v1/services/shop/versions/v2").json(), "standing") == "known-good");
    CHECK(desk.get("/v1/services/shop/versions").json().at("items").as_array().size() == 2);
}

TEST_CASE("a deployment that makes no sense is 422 with the member's pointer") {
    Desk desk;
    for (auto const* const body :
         {R"({})", R"({"version":""})", R"({"version":7})", R"({"version":"-x"})",
          R"({"version":"a\nb"})", R"({"version":"x","started_at":"2001-01-01T00:00:00Z"})",
          R"({"version":"x","started_at":"2999-01-01T00:00:00Z"})",
          R"({"version":"x","started_at":"now"})", R"({"version":"x","known_good":"yes"})",
          R"({"version":"x","extra":1})"}) {
        CAPTURE(body);
        auto const answer = desk.post("/v1/services/shop/deployments", body);
        CHECK(answer.status == 422);
        CHECK(!answer.json().at("errors").as_array().empty());
    }
    CHECK(desk.post("/v1/services/shop/deployments", "{").status == 400);
    CHECK(desk.get("/v1/services/shop/deployments").json().at("items").as_array().empty());
}

TEST_CASE("a version nobody recorded is unknown and passes the gate") {
    Desk desk;
    auto const version = desk.get("/v1/services/shop/versions/never%2Fseen").json();
    CHECK(text_of(version, "version") == "never/seen");
    CHECK(text_of(version, "standing") == "unknown");
    CHECK(version.at("gate").at("pass") == true);
}

TEST_CASE("while a run is on, and of a bad version, the gate does not pass") {
    Desk desk;
    breach(desk);
    auto const during = desk.get("/v1/services/shop/versions/v3").json();
    CHECK(during.at("gate").at("pass") == false);
    CHECK(text_of(during.at("gate"), "reason").find("RUN-1") != std::string::npos);
    auto const bad = desk.get("/v1/services/shop/versions/v2").json();
    CHECK(text_of(bad, "standing") == "bad");
    auto const again = desk.post("/v1/services/shop/deployments", R"({"version":"v2"})");
    CHECK(again.status == 201);
    CHECK(again.json().at("quarantined") == true);
    CHECK(desk.post("/v1/services/shop/versions/v2/release", "{}", "operate").status == 200);
    CHECK(text_of(desk.get("/v1/services/shop/versions/v2").json(), "standing") != "bad");
    CHECK(desk.post("/v1/services/shop/versions/v2/release").status == 409);
}

TEST_CASE("a plan that only waits for a person does not close the gate to a fix") {
    auto policy = policy_with_tokens();
    policy.daemon.autonomy = Autonomy::advise;
    Desk desk(policy);
    breach(desk);
    REQUIRE(text_of(desk.get("/v1/incidents/INC-1").json(), "state") == "waiting");
    auto const fix = desk.get("/v1/services/shop/versions/v3").json();
    CHECK(fix.at("gate").at("pass") == true);
}

TEST_CASE("an incident has every member of the contract, and its run too") {
    Desk desk;
    breach(desk);
    auto const incident = desk.get("/v1/incidents/INC-1").json();
    CHECK(
        has(incident, {"id", "service", "state", "severity", "triggers", "opened_at", "acted_at",
                       "resolved_at", "runs", "duties", "refusals"})
    );
    CHECK(text_of(incident, "state") == "acting");
    CHECK(text_of(incident.at("triggers").at(0), "name") == "down");
    auto const& run = incident.at("runs").at(0);
    CHECK(has(run, {"id", "playbook", "state", "reason", "target", "plan", "steps"}));
    CHECK(text_of(run, "plan").size() == 64);
    CHECK(text_of(run, "target") == "v1");
    CHECK(has(run.at("steps").at(0), {"n", "type", "state", "started_at", "ended_at", "exit"}));
}

TEST_CASE("incidents are filtered by service, severity and state") {
    Desk desk;
    breach(desk);
    auto const count = [&](std::string const& query) {
        return desk.get("/v1/incidents?" + query).json().at("items").as_array().size();
    };
    CHECK(count("service=shop") == 1);
    CHECK(count("service=other") == 0);
    CHECK(count("severity=P0&state=acting") == 1);
    CHECK(count("severity=P1") == 0);
    CHECK(count("state=resolved") == 0);
}

TEST_CASE("a refusal carries the guard's slug, its letter and a text") {
    auto policy = policy_with_tokens();
    policy.daemon.autonomy = Autonomy::observe;
    Desk desk(policy);
    breach(desk);
    auto const refusal = desk.get("/v1/incidents/INC-1").json().at("refusals").at(0);
    CHECK(text_of(refusal, "guard") == "autonomy");
    CHECK(text_of(refusal, "letter") == "f");
    CHECK(!text_of(refusal, "text").empty());
}

TEST_CASE("samples are pushed with 202 and read back") {
    Desk desk;
    auto const path = std::string("/v1/services/shop/signals/webhooks");
    auto const one = desk.post(path, R"({"ok":false,"reason":"card","id":"evt_1"})", "ingest");
    CHECK(one.status == 202);
    CHECK(one.json().at("accepted") == 1);
    CHECK(desk.host.samples.at(0).trusted);
    auto const shown = desk.get(path + "?range=10m").json();
    CHECK(shown.at("items").as_array().size() == 1);
    CHECK(has(shown, {"items", "next", "last_value", "kind"}));
    desk.host.queue_full = true;
    CHECK(desk.post(path, R"({"ok":true})").status == 429);
}

TEST_CASE("a push that makes no sense is refused and nothing of it counts") {
    Desk desk;
    auto const path = std::string("/v1/services/shop/signals/webhooks");
    for (auto const* const body : {"{", "nonsense", "{\"ok\":tru}", "\xff\xfe"}) {
        CHECK(desk.post(path, body).status == 400);
    }
    for (auto const* const body : {R"({"ok":"yes"})", R"({"value":1.5})", "{}", "[]", "7"}) {
        CAPTURE(body);
        CHECK(desk.post(path, body).status == 422);
    }
    CHECK(desk.post(path, "").status == 400);
    CHECK(desk.post("/v1/services/shop/signals/health", R"({"ok":true})").status == 409);
    auto const lines = desk.ask(
        "POST", path, "{\"ok\":true}\n{\"ok\":7}\n", "ingest",
        {{"content-type", "application/x-ndjson"}}
    );
    CHECK(lines.status == 422);
    CHECK(text_of(lines.json(), "detail").find("2") != std::string::npos);
    CHECK(desk.host.samples.empty());
}

TEST_CASE("a dry run answers the plan and starts nothing") {
    Desk desk;
    auto const path = std::string("/v1/services/shop/playbooks/payments-off/runs");
    auto const dry = desk.post(path, R"({"reason":"look","dry_run":true})", "operate");
    CHECK(dry.status == 200);
    CHECK(text_of(dry.json().at("plan"), "playbook") == "payments-off");
    CHECK(text_of(dry.json().at("plan").at("steps").at(0), "timeout") == "1m");
    CHECK(desk.host.world.commands.empty());
    REQUIRE(desk.host.questions.size() == 1);
    CHECK(desk.host.questions[0].every_step);
    CHECK_FALSE(desk.host.questions[0].references);
    auto const real = desk.post(path, R"({"reason":"by hand","inputs":{}})", "operate");
    CHECK(real.status == 201);
    CHECK(text_of(real.json(), "reason") == "by hand");
    CHECK(text_of(real.json(), "by") == "test-operate");
    REQUIRE(desk.host.questions.size() == 2);
    CHECK_FALSE(desk.host.questions[1].every_step);
    CHECK(desk.post("/v1/services/shop/playbooks/nope/runs").status == 404);
}

TEST_CASE("pause and resume answer the switch, and a paused service refuses a run") {
    Desk desk;
    auto const paused = desk.post("/v1/pause", R"({"service":"shop"})", "operate");
    CHECK(paused.status == 200);
    CHECK(paused.json().at("paused") == true);
    CHECK(desk.get("/v1/services/shop").json().at("paused") == true);
    auto const refused = desk.post("/v1/services/shop/playbooks/payments-off/runs");
    CHECK(refused.status == 409);
    CHECK(refused.body.find("paused") != std::string::npos);
    CHECK(desk.post("/v1/resume", R"({"service":"shop"})").json().at("paused") == false);
    CHECK(desk.post("/v1/pause", R"({"service":"nope"})").status == 404);
    CHECK(desk.post("/v1/pause", R"({"service":7})").status == 422);
}

TEST_CASE("a silence needs a reason and an end, and can be removed") {
    Desk desk;
    CHECK(desk.post("/v1/silences", R"({"service":"shop","for":"1h"})").status == 422);
    CHECK(desk.post("/v1/silences", R"({"service":"shop","reason":"x"})").status == 422);
    CHECK(desk.post("/v1/silences", R"({"for":"soon","reason":"x"})").status == 422);
    auto const made =
        desk.post("/v1/silences", R"({"service":"shop","for":"2h","reason":"upgrade"})");
    CHECK(made.status == 201);
    auto const id = text_of(made.json(), "id");
    CHECK(made.headers.at("Location") == "/v1/silences/" + id);
    CHECK(desk.get("/v1/silences").json().at("items").as_array().size() == 1);
    CHECK(desk.ask("DELETE", "/v1/silences/" + id).status == 204);
    CHECK(desk.get("/v1/silences").json().at("items").as_array().empty());
    CHECK(desk.ask("DELETE", "/v1/silences/" + id).status == 404);
}

TEST_CASE("silences are ended by an id or a service, in the query or the body") {
    Desk desk;
    auto const silence = [&] {
        auto const made =
            desk.post("/v1/silences", R"({"service":"shop","for":"2h","reason":"upgrade"})");
        return text_of(made.json(), "id");
    };
    auto const left = [&] { return desk.get("/v1/silences").json().at("items").as_array().size(); };
    auto const path = std::string("/v1/silences");
    CHECK(desk.ask("DELETE", path + "?id=" + silence()).status == 204);
    CHECK(desk.ask("DELETE", path, R"({"id":")" + silence() + "\"}").status == 204);
    silence();
    silence();
    CHECK(left() == 2);
    CHECK(desk.ask("DELETE", path, R"({"service":"shop"})").status == 204);
    CHECK(left() == 0);
    CHECK(desk.ask("DELETE", path + "?service=shop").status == 404);
    CHECK(desk.ask("DELETE", path + "?service=nope").status == 404);
    CHECK(desk.ask("DELETE", path).status == 422);
}

TEST_CASE("a bad configuration is 422 with every place, and a check of it is an answer") {
    Desk desk;
    CHECK(desk.post("/v1/config/reload").status == 200);
    CHECK(desk.post("/v1/config/reload", "{}", "operate").status == 403);
    desk.host.config_good = false;
    auto const refused = desk.post("/v1/config/reload");
    CHECK(refused.status == 422);
    CHECK(
        text_of(refused.json().at("errors").at(0), "detail") == "rollbackd.yaml:3:5: unknown key"
    );
    auto const checked = desk.post("/v1/config/check", R"({"text":"version: 1"})", "read");
    CHECK(checked.status == 200);
    CHECK(checked.json().at("ok") == false);
    CHECK(desk.post("/v1/config/check", "{}", "read").json().at("ok") == false);
}

TEST_CASE(
    "while the journal cannot be written changing calls are 503, reads, pushes and abort are not"
) {
    Desk desk;
    breach(desk);
    desk.host.writable = false;
    CHECK(desk.post("/v1/pause").status == 503);
    CHECK(desk.post("/v1/services/shop/deployments", R"({"version":"x"})").status == 503);
    CHECK(desk.post("/v1/incidents/INC-1/ack").status == 503);
    CHECK(desk.get("/v1/status").status == 200);
    CHECK(desk.post("/v1/services/shop/signals/webhooks", R"({"ok":true})").status == 202);
    CHECK(desk.post("/v1/incidents/INC-1/abort").status == 200);
}

TEST_CASE("a surprise is 500 without details, and told to the host") {
    Desk desk;
    desk.host.throws = true;
    auto const answer = desk.post("/v1/pause");
    CHECK(answer.status == 500);
    CHECK(answer.body.find("surprise") == std::string::npos);
    CHECK(desk.host.surprises == 1);
    CHECK(desk.host.last_status == 500);
}

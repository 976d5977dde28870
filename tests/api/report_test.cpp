#include "api/report.hpp"

#include "api/explain.hpp"
#include "api/proof.hpp"
#include "api/render.hpp"
#include "tests/api/support/fake_host.hpp"
#include "tests/catch.hpp"

#include <algorithm>

using namespace rollbackd;
using namespace rollbackd::api;
using namespace rollbackd::api::testing;
using namespace std::chrono_literals;

namespace {

void breach(Desk& desk) {
    desk.host.world.release_v2();
    desk.host.world.fail_health(3);
    desk.host.world.answer();
}

bool in_order(std::string const& text, std::vector<std::string> const& parts) {
    std::size_t at = 0;
    for (auto const& part : parts) {
        at = text.find(part, at);
        if (at == std::string::npos) return false;
    }
    return true;
}

}  // namespace

TEST_CASE("the report's head says broken, did, next and must, in this order") {
    Desk desk;
    breach(desk);
    auto const report = desk.get("/v1/incidents/INC-1/report?format=md");
    CHECK(report.type.starts_with("text/markdown"));
    CHECK(in_order(
        report.body, {"# INC-1", "What is broken", "What rollbackd did", "What it does next",
                      "What you must do", "## Facts", "## Timeline"}
    ));
    CHECK(report.body.find("3 >= 3") != std::string::npos);
    auto const accept =
        desk.ask("GET", "/v1/incidents/INC-1/report", "", "read", {{"accept", "text/markdown"}});
    CHECK(accept.body == report.body);
}

TEST_CASE("the report as JSON has incident, times, timeline and the Markdown") {
    Desk desk;
    breach(desk);
    auto const report = desk.get("/v1/incidents/INC-1/report", "read").json();
    for (auto const* const key :
         {"incident", "head", "seconds", "timeline", "evidence", "explanation", "markdown"}) {
        CHECK(report.as_object().contains(key));
    }
    CHECK(!report.at("timeline").as_array().empty());
}

TEST_CASE("nothing that came from outside acts in a report, an explanation or a head") {
    Desk desk;
    desk.post(
        "/v1/services/shop/triggers/down/raise",
        R"({"reason":"\u001b[2J<script>alert(1)</script> [x](javascript:1)\n# heading | `x`"})"
    );
    auto const markdown = desk.get("/v1/incidents/INC-1/report?format=md").body;
    CHECK(markdown.find('\x1b') == std::string::npos);
    CHECK(markdown.find("<script>") == std::string::npos);
    CHECK(markdown.find("[x](javascript") == std::string::npos);
    CHECK(markdown.find("\n# heading") == std::string::npos);
    auto const text = desk.get("/v1/incidents/INC-1/explain?format=text").body;
    CHECK(text.find('\x1b') == std::string::npos);
}

TEST_CASE(
    "an explanation carries arithmetic, matrix row, guards with letters and what would change it"
) {
    Desk desk;
    breach(desk);
    auto const explained = desk.get("/v1/incidents/INC-1/explain", "read").json();
    CHECK(text_of(explained.at("triggers").at(0), "why").find("3 >= 3") != std::string::npos);
    CHECK(explained.at("triggers").at(0).as_object().contains("proof"));
    CHECK(explained.at("triggers").at(0).as_object().contains("matrix_row"));
    CHECK(!explained.at("guards").as_array().empty());
    CHECK(!text_of(explained.at("guards").at(0), "letter").empty());
    auto const changes = to_text(explained.at("prevented_by"));
    CHECK(changes.find("below 3") != std::string::npos);
    CHECK(changes.find("v2") != std::string::npos);
    auto const text = desk.get("/v1/incidents/INC-1/explain?format=text").body;
    CHECK(in_order(text, {"INC-1", "3 >= 3", "passed", "it would not have acted if"}));
}

TEST_CASE("a refused incident is explained by what would have let it act") {
    auto policy = policy_with_tokens();
    policy.daemon.autonomy = Autonomy::observe;
    Desk desk(policy);
    breach(desk);
    auto const explained = desk.get("/v1/incidents/INC-1/explain").json();
    CHECK(to_text(explained.at("would_act_with")).find("autonomy") != std::string::npos);
    CHECK(!explained.as_object().contains("prevented_by"));
}

TEST_CASE("what holds is said once, in an explanation and in a report") {
    auto policy = policy_with_tokens();
    policy.daemon.autonomy = Autonomy::observe;
    Desk desk(policy);
    breach(desk);
    auto const refusals = desk.get("/v1/incidents/INC-1/explain").json().at("refusals").as_array();
    REQUIRE(!refusals.empty());
    for (auto const* const page : {"explain?format=text", "report?format=md"}) {
        auto text = desk.get(std::string("/v1/incidents/INC-1/") + page).body;
        text.erase(0, text.find("uards"));
        text.resize(std::min(text.size(), text.find("## Timeline")));
        for (auto const& refusal : refusals) {
            auto const why = text_of(refusal, "text");
            auto const first = text.find(why);
            INFO(why << "\n" << text);
            REQUIRE(first != std::string::npos);
            CHECK(text.find(why, first + 1) == std::string::npos);
        }
    }
}

TEST_CASE("a second rollback from one version: an approval would let it act, no limit would") {
    Incident incident;
    incident.id = "INC-1";
    Refusal again;
    again.guard = Guard::limit;
    again.playbook = "code-rollback";
    incident.refusals = {again};
    REQUIRE(nearest_changes(incident).size() == 1);
    CHECK(nearest_changes(incident).front().find("approval") != std::string::npos);
    incident.refusals.front().playbook.clear();
    CHECK(nearest_changes(incident).front().find("runs_per_hour") != std::string::npos);
}

TEST_CASE("samples in a row that say the same of the same moment are one line") {
    auto const proof = parse_json(R"({"signals":{"requests":{"calls":{},"samples":[
        {"at":"2026-01-31T12:00:00Z","success":1},{"at":"2026-01-31T12:00:00Z","success":1},
        {"at":"2026-01-31T12:00:00Z","failure":1},{"at":"2026-01-31T12:00:01Z","failure":1},
        {"at":"2026-01-31T12:00:01Z","failure":1},{"at":"2026-01-31T12:00:01Z","failure":1}]}}})");
    REQUIRE(proof);
    auto const lines = proof_lines(*proof);
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].text == "success 1 (2 of them)");
    CHECK(lines[1].text == "failure 1");
    CHECK(lines[2].text == "failure 1 (3 of them)");
}

TEST_CASE("a trigger is explained without an incident") {
    Desk desk;
    desk.host.world.release_v2();
    auto const explained = desk.get("/v1/services/shop/triggers/down/explain", "read").json();
    CHECK(text_of(explained, "subject") == "shop/down");
    CHECK(text_of(explained.at("triggers").at(0), "verdict") == "false");
    auto const text = desk.get("/v1/services/shop/triggers/down/explain?format=text").body;
    CHECK(text.find("consecutive_failures(health) >= 3") != std::string::npos);
}

TEST_CASE("proofs carry times of day, never instants of a boot") {
    Desk desk;
    breach(desk);
    auto const explained = desk.get("/v1/incidents/INC-1/explain", "read").json();
    auto const& proof = explained.at("triggers").at(0).at("proof");
    auto const fired = text_of(explained.at("triggers").at(0), "fired_at");
    CHECK(text_of(proof, "now") == fired);
    auto const& samples = proof.at("signals").at("health").at("samples").as_array();
    REQUIRE(!samples.empty());
    CHECK(text_of(samples.back(), "at") == fired);
    auto const report = desk.get("/v1/incidents/INC-1/report?format=md").body;
    CHECK(report.find("| health | " + fired + " | ok false") != std::string::npos);
    auto const text = desk.get("/v1/incidents/INC-1/explain?format=text").body;
    CHECK(text.find("health, " + fired + ": ok false") != std::string::npos);
}

TEST_CASE("a check by command shows its command line") {
    Run run;
    run.plan.verify.push_back(Check{CheckKind::run, "", {}, {"curl", "-f", "a b"}, "", ""});
    run.verify.push_back(CheckRun{1, false, false, {}, ""});
    CHECK(text_of(render_run(run).at("verify").at(0), "condition") == "curl -f 'a b'");
}

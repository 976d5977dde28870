#include "core/record.hpp"
#include "tests/actions/steps/support/hands.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;
using namespace rollbackd::test;
using namespace std::chrono_literals;

TEST_CASE("evidence keeps commands and files, hashed; one that fails is recorded and stops nothing"
) {
    TempDir dir;
    Hands hands(dir.path("run"));
    dir.write("shop.log", "ERROR one\nERROR two\n");
    auto const outcome = hands.run(step(
        "capture_evidence",
        JsonObject{
            {"commands",
             JsonArray{
                 JsonArray{"echo", "state of things"}, JsonArray{"sh", "-c", "echo no; exit 3"},
                 JsonArray{"/nonexistent"}
             }},
            {"files", {dir.path("shop.log"), dir.path("missing.log")}},
        }
    ));
    CHECK(outcome.kind == OutcomeKind::done);
    REQUIRE(outcome.evidence.size() == 5);
    CHECK(outcome.evidence[0].name == "echo 'state of things'");
    CHECK(outcome.evidence[0].text == "state of things");
    CHECK(outcome.evidence[1].text == "no\n[exit 3]");
    CHECK(outcome.evidence[2].text.find("not started") != std::string::npos);
    CHECK(outcome.evidence[3].text == "ERROR one\nERROR two");
    CHECK(outcome.evidence[4].text.find("[exit 1]") != std::string::npos);
    for (auto const& item : outcome.evidence) CHECK(item.sha256 == sha256_hex(item.text));
}

TEST_CASE("evidence is bounded, and secrets are not in it") {
    TempDir dir;
    Hands hands(dir.path("run"));
    REQUIRE(setenv("ROLLBACKD_TEST_KEY", "sk_live_abcdef", 1) == 0);
    dir.write("big.log", std::string(300'000, 'x') + "\nkey sk_live_abcdef\nend\n");
    auto const outcome = hands.run(step(
        "capture_evidence",
        JsonObject{
            {"commands", JsonArray{JsonArray{"echo", "${ROLLBACKD_TEST_KEY}"}}},
            {"files", {dir.path("big.log")}}
        }
    ));
    unsetenv("ROLLBACKD_TEST_KEY");
    REQUIRE(outcome.evidence.size() == 2);
    CHECK(outcome.evidence[0].text == "[secret]");
    CHECK(outcome.evidence[0].name == "echo [secret]");
    CHECK(outcome.evidence[1].text.size() < 66'000);
    CHECK(outcome.evidence[1].text.ends_with("key [secret]\nend"));
}

TEST_CASE("one command that hangs does not cost the evidence after it") {
    TempDir dir;
    Hands hands(dir.path("run"));
    auto made = step(
        "capture_evidence",
        JsonObject{
            {"commands", JsonArray{JsonArray{"sleep", "30"}, JsonArray{"echo", "still here"}}}
        }
    );
    made.timeout = 2s;
    auto const outcome = hands.run(made);
    REQUIRE(outcome.evidence.size() == 2);
    CHECK(outcome.evidence[0].text.find("no end within") != std::string::npos);
    CHECK(outcome.evidence[1].text == "still here");
}

// What is known against a pull request before anything begins.
#include "core/io/file.hpp"
#include "tests/actions/steps/support/hands.hpp"
#include "tests/actions/steps/support/http_server.hpp"
#include "tests/catch.hpp"

#include <filesystem>

using namespace rollbackd;
using namespace rollbackd::test;

namespace {

struct Clone {
    TempDir dir;
    std::string repo = dir.path("repo");
    std::string forge = dir.path("forge.git");
    std::string token = dir.path("token");
    std::string head;

    Clone() {
        REQUIRE(write_file_atomically(token, "ghp_notASecretButLong\n", 0600));
        auto const made = supervise(
            dir.path("made"),
            shell(
                "git init -q --bare " + forge + " && git init -q -b main " + repo + " && cd " +
                repo +
                " && git config user.name a && git config user.email a@example.com"
                " && git commit -q --allow-empty -m good && git tag good && git remote add "
                "origin " +
                forge + " && git push -q origin main HEAD:refs/heads/back && git rev-parse HEAD"
            )
        );
        head = made.stdout_text.substr(0, 40);
        REQUIRE(made.ok());
    }
    /// As the forge lists it.
    std::string pull(std::string const& state, std::string const& merged_at = "null") const {
        return R"([{"number":3,"state":")" + state + R"(","merged_at":)" + merged_at +
               R"(,"head":{"ref":"back","sha":")" + head + R"("}}])";
    }
    Step step(std::string const& api, JsonObject more = {}) const {
        more["repo"] = to_json(repo);
        more["api"] = to_json(api);
        more["token_file"] = to_json(token);
        if (!more.contains("good")) more["good"] = "good";
        more["project"] = "example/shop";
        more["head"] = "back";
        more["title"] = "Back";
        return test::step("pull_request", std::move(more));
    }
};

}  // namespace

TEST_CASE("a forge that lets the token in has nothing against a pull request") {
    Clone clone;
    HttpServer forge([](std::string const&) { return response(200, R"({"id":1})"); });
    Hands hands(clone.dir.path("run"));
    CHECK(hands.preflight(clone.step(forge.url("/api/v3/"))) == std::nullopt);
    REQUIRE(forge.requests().size() == 1);
    CHECK(forge.requests()[0].starts_with("GET /api/v3/repos/example/shop HTTP/1.1\r\n"));
    CHECK(
        forge.requests()[0].find("Authorization: Bearer ghp_notASecretButLong\r\n") !=
        std::string::npos
    );
}

TEST_CASE("a forge that refuses the token says so before, and never the token") {
    Clone clone;
    HttpServer forge([](std::string const&) {
        return response(401, R"({"message":"Bad credentials: ghp_notASecretButLong"})");
    });
    Hands hands(clone.dir.path("run"));
    auto const why = hands.preflight(clone.step(forge.url("/")));
    REQUIRE(why);
    CHECK(
        why->find("status 401: the forge does not accept the token: Bad credentials: [secret]") !=
        std::string::npos
    );
}

TEST_CASE("a forge that is busy keeps no rollback from being tried") {
    Clone clone;
    HttpServer forge([](std::string const&) { return response(503); });
    Hands hands(clone.dir.path("run"));
    CHECK(hands.preflight(clone.step(forge.url("/"))) == std::nullopt);
}

TEST_CASE("without its token, its commit or its work tree no pull request is begun") {
    Clone clone;
    HttpServer forge([](std::string const&) { return response(200, "{}"); });
    Hands hands(clone.dir.path("run"));
    auto const url = forge.url("/");
    CHECK(
        hands.preflight(clone.step(url, {{"good", "elsewhere"}}))
            ->find("has no commit elsewhere") != std::string::npos
    );
    CHECK(hands.preflight(clone.step(url, {{"remote", "nowhere"}})));
    std::filesystem::remove(clone.token);
    CHECK(hands.preflight(clone.step(url))->find(clone.token) != std::string::npos);
    clone.repo += "/elsewhere";
    CHECK(hands.preflight(clone.step(url))->find("no such folder") != std::string::npos);
    CHECK(hands.run(clone.step(url)).kind == OutcomeKind::failed);
}

TEST_CASE("where nobody knows what became of it, the forge is asked") {
    Clone clone;
    std::string list = "[]";
    HttpServer forge([&](std::string const&) { return response(200, list); });
    Hands hands(clone.dir.path("run"));
    auto const settled = [&](JsonObject more = {}) {
        return hands.settle(clone.step(forge.url("/"), std::move(more))).kind;
    };
    CHECK(settled() == OutcomeKind::failed);
    list = clone.pull("open");
    CHECK(settled() == OutcomeKind::failed);  // not yet: it may be waited for again
    CHECK(settled({{"until", "opened"}}) == OutcomeKind::done);
    list = clone.pull("closed", R"("2026-01-31T12:00:00Z")");
    CHECK(settled() == OutcomeKind::done);
    list = clone.pull("closed");
    CHECK(settled() == OutcomeKind::failed);
}

TEST_CASE("a pull request that waited its time in an earlier life is looked at, and not waited for"
) {
    Clone clone;
    HttpServer forge([&](std::string const&) { return response(200, clone.pull("open")); });
    Hands hands(clone.dir.path("run"));
    auto made = clone.step(forge.url("/"));
    made.timeout = std::chrono::minutes(5);
    auto const outcome = hands.run(made, "r1", 1, std::chrono::minutes(5));
    CHECK(outcome.kind == OutcomeKind::failed);
    CHECK(outcome.text.starts_with("not merged within 5m"));
}

TEST_CASE("a pull request that is merged already is done, and nothing is sent but a question") {
    Clone clone;
    HttpServer forge([&](std::string const&) {
        return response(200, clone.pull("closed", R"("2026-01-31T12:00:00Z")"));
    });
    Hands hands(clone.dir.path("run"));
    auto const outcome = hands.run(clone.step(forge.url("/")));
    CHECK(outcome.kind == OutcomeKind::done);
    CHECK(outcome.text == "example/shop#3 is merged");
    REQUIRE(forge.requests().size() == 1);
    CHECK(forge.requests()[0].starts_with(
        "GET /repos/example/shop/pulls?state=all&sort=created&direction=desc&per_page=20"
        "&head=example%3Aback&base=main HTTP/1.1"
    ));
}

TEST_CASE("why a pull request could not be merged stays told though the forge is away in the end") {
    Clone clone;
    bool asked = false;
    HttpServer forge([&](std::string const& request) {
        if (asked) return response(502, "{}");
        asked = request.starts_with("PUT ");
        return asked ? response(405, R"({"message":"a review is missing"})")
                     : response(200, clone.pull("open"));
    });
    Hands hands(clone.dir.path("run"));
    auto made = clone.step(forge.url("/"), {{"merge", "squash"}, {"every", 50'000'000}});
    made.timeout = std::chrono::seconds(5);
    auto const outcome = hands.run(made);
    CHECK(outcome.kind == OutcomeKind::failed);
    CHECK(outcome.text.find("a review is missing; asked last: ") != std::string::npos);
    CHECK(outcome.text.find("502") != std::string::npos);
}

#include "tests/api/support/fake_host.hpp"
#include "tests/catch.hpp"

#include <boost/asio/post.hpp>

using namespace rollbackd;
using namespace rollbackd::api::testing;
using namespace std::chrono_literals;

namespace {

void three_deployments(Desk& desk) {
    for (auto const* const version : {"a", "b", "c"}) desk.host.world.deploy(version);
}

std::size_t count(std::string const& text, std::string const& what) {
    std::size_t found = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
    return found;
}

}  // namespace

TEST_CASE("Last-Event-ID 0 begins with the first record, each with sequence, kind and record") {
    Desk desk;
    three_deployments(desk);
    auto const answer = desk.ask("GET", "/v1/events", "", "read", {{"last-event-id", "0"}});
    REQUIRE(answer.stream);
    CHECK(answer.type == "text/event-stream");
    desk.next(*answer.stream);  // the greeting
    auto const chunk = desk.next(*answer.stream);
    CHECK(chunk.starts_with("id: 1\nevent: " + desk.host.world.journal.front().kind + "\ndata: {"));
    CHECK(count(chunk, "\n\n") == desk.host.world.journal.size());
}

TEST_CASE("a stream is resumed after the last event it gave") {
    Desk desk;
    three_deployments(desk);
    auto const answer = desk.ask("GET", "/v1/events", "", "read", {{"last-event-id", "1"}});
    desk.next(*answer.stream);
    CHECK(desk.next(*answer.stream).starts_with("id: 2\n"));
    CHECK(desk.ask("GET", "/v1/events", "", "read", {{"last-event-id", "x"}}).status == 400);
}

TEST_CASE("without Last-Event-ID a stream begins with what happens next") {
    Desk desk;
    three_deployments(desk);
    auto const answer = desk.get("/v1/events", "read");
    desk.next(*answer.stream);
    boost::asio::post(desk.context, [&] {
        desk.host.world.deploy("d");
        desk.feed.notify();
    });
    auto const chunk = desk.next(*answer.stream);
    CHECK(chunk.find("\"d\"") != std::string::npos);
    CHECK(chunk.find("\"c\"") == std::string::npos);
}

TEST_CASE("a stream ends when it is closed or the daemon stops") {
    Desk desk;
    auto const first = desk.get("/v1/events");
    desk.next(*first.stream);
    boost::asio::post(desk.context, [&] { first.stream->close(); });
    CHECK(desk.next(*first.stream).empty());
    auto const second = desk.get("/v1/events");
    desk.next(*second.stream);
    boost::asio::post(desk.context, [&] { desk.feed.close(); });
    CHECK(desk.next(*second.stream).empty());
}

TEST_CASE("a stream can be narrowed to a service or an incident") {
    Desk desk;
    desk.host.world.release_v2();
    desk.host.world.fail_health(3);
    auto const none = desk.ask("GET", "/v1/events?service=x", "", "read", {{"last-event-id", "0"}});
    desk.next(*none.stream);
    boost::asio::post(desk.context, [&] { none.stream->close(); });
    CHECK(desk.next(*none.stream).empty());
    auto const one =
        desk.ask("GET", "/v1/events?incident=INC-1", "", "read", {{"last-event-id", "0"}});
    desk.next(*one.stream);
    auto const chunk = desk.next(*one.stream);
    CHECK(chunk.find("incident.opened") != std::string::npos);
    CHECK(chunk.find("deployment.recorded") == std::string::npos);
}

TEST_CASE("the journal says who, what and when, and chains its hashes, page by page") {
    Desk desk;
    three_deployments(desk);
    CHECK(desk.get("/v1/journal", "read").status == 403);
    auto const page = desk.get("/v1/journal?limit=2", "operate").json();
    auto const& items = page.at("items").as_array();
    REQUIRE(items.size() == 2);
    CHECK(text_of(items[1], "prev") == text_of(items[0], "hash"));
    CHECK(text_of(items[0], "who") == "ci");
    auto const rest = desk.get("/v1/journal?cursor=" + text_of(page, "next")).json();
    CHECK(rest.at("items").at(0).at("seq") == 3);
    CHECK(desk.get("/v1/journal?cursor=x").status == 422);
}

TEST_CASE("readers see that a policy was loaded, operators see its text") {
    Desk desk;
    auto policy = std::make_shared<Policy>(rollbackd::testing::shop_policy());
    policy->hash = "h2";
    policy->text = "version: 1 # private lines";
    desk.host.world.send(PolicyLoaded{{"anna", "admin"}, policy});
    auto const stream = desk.ask("GET", "/v1/events", "", "read", {{"last-event-id", "0"}});
    desk.next(*stream.stream);
    auto const chunk = desk.next(*stream.stream);
    CHECK(chunk.find("policy.loaded") != std::string::npos);
    CHECK(chunk.find("h2") != std::string::npos);
    CHECK(chunk.find("private lines") == std::string::npos);
    CHECK(desk.get("/v1/journal", "operate").body.find("private lines") != std::string::npos);
}

TEST_CASE("readers see that there is evidence, operators see it") {
    Desk desk;
    desk.host.world.release_v2();
    desk.host.world.fail_health(3);
    EvidenceAdded added;
    added.incident = "INC-1";
    added.evidence.name = "ps";
    added.evidence.sha256 = std::string(64, 'a');
    added.evidence.text = "private lines";
    desk.host.world.send(added);
    auto const stream = desk.ask("GET", "/v1/events", "", "read", {{"last-event-id", "0"}});
    desk.next(*stream.stream);
    auto const chunk = desk.next(*stream.stream);
    CHECK(chunk.find(std::string(64, 'a')) != std::string::npos);
    CHECK(chunk.find("private lines") == std::string::npos);
    CHECK(desk.get("/v1/incidents/INC-1/evidence", "read").status == 403);
    auto const evidence = desk.get("/v1/incidents/INC-1/evidence", "operate");
    CHECK(text_of(evidence.json().at("items").at(0), "text") == "private lines");
    CHECK(desk.get("/v1/incidents/INC-1", "read").body.find("private") == std::string::npos);
    CHECK(desk.get("/v1/incidents/INC-1/report", "read").body.find("private") == std::string::npos);
}

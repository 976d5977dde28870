// The daemon as handlers see it: a real engine over a journal in memory, and a router that is
// driven without sockets. Requests come from loopback with the token of a role.
#pragma once

#include "api/router.hpp"
#include "tests/engine/support/world.hpp"

#include <boost/asio/io_context.hpp>

namespace rollbackd::api::testing {

namespace engine_testing = rollbackd::testing;

/// shop_policy with a token of each role: "read-secret" … "admin-secret".
Policy policy_with_tokens();

class FakeHost final : public Host {
public:
    explicit FakeHost(Policy policy = policy_with_tokens()) : world(std::move(policy)) {}

    Engine const& engine() const override { return world.engine; }
    Now now() const override { return world.now; }
    Awaitable<Reply> submit(Event event) override;
    Result<void> ingest(std::vector<Sample> samples) override;
    Result<std::uint64_t> alerts(AlertNotice const& notice, bool trusted) override;
    Awaitable<Answer> ask(AskFresh question) override;
    Awaitable<ReleaseFacts> facts(std::string service) override;
    Awaitable<Result<std::vector<Record>>> read_journal(std::uint64_t from, std::size_t limit)
        override;
    Json dry_run(Plan const& plan) const override;
    std::string step_output(std::string const& run, std::uint32_t n) const override;
    bool journal_writable() const override { return writable; }
    std::string why_standing_by() const override { return standing_by; }
    std::vector<ReadyCheck> readiness() const override;
    DaemonFacts facts_of_daemon() const override { return DaemonFacts(); }
    std::string metrics() const override { return "rollbackd_up 1\n"; }
    Awaitable<Json> reload(Actor actor) override;
    Awaitable<Json> check_config(std::optional<std::string> yaml) override;
    Json config_report() const;
    void seen(RequestSeen const& request) override { last_status = request.status; }
    void surprised(std::string_view, std::string_view, std::string_view) override { ++surprises; }

    engine_testing::World world;
    bool writable = true;
    std::string standing_by;
    bool queue_full = false;
    bool config_good = true;
    bool throws = false;
    std::vector<AskFresh> questions;
    std::vector<Sample> samples;
    std::vector<AlertNotice> notices;
    bool last_trusted = false;
    unsigned surprises = 0;
    unsigned last_status = 0;
};

/// What came back: the problem, or the success, as JSON where it is.
struct Received {
    unsigned status = 0;
    std::map<std::string, std::string> headers;
    std::string type;
    std::string body;
    std::unique_ptr<Stream> stream;

    Json json() const;
};

class Desk {
public:
    explicit Desk(Policy policy = policy_with_tokens());

    /// As the role's token; "" is nobody.
    Received ask(
        std::string const& method, std::string const& target, std::string const& body = {},
        std::string const& role = "admin", std::map<std::string, std::string> const& headers = {}
    );
    Received get(std::string const& target, std::string const& role = "admin") {
        return ask("GET", target, {}, role);
    }
    Received post(
        std::string const& target, std::string const& body = "{}", std::string const& role = "admin"
    ) {
        return ask("POST", target, body, role);
    }
    /// The next chunk of a stream; empty where it has ended.
    std::string next(Stream& stream);

    /// Runs a coroutine to its end.
    void run(boost::asio::awaitable<void> task);

    boost::asio::io_context context;
    FakeHost host;
    Feed feed;
    Router router;
};

}  // namespace rollbackd::api::testing

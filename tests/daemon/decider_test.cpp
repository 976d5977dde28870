// A full disk (A5.9): nothing is done without its record, and people are told and answered
// meanwhile, whatever waits at the queue's head.
#include "daemon/decider.hpp"

#include "config/catalogue.hpp"
#include "config/load.hpp"
#include "core/io/task_group.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/support/full_disk.hpp"

#include <boost/asio/io_context.hpp>

using namespace rollbackd;
using namespace rollbackd::testing;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

constexpr char const* policy_text = R"(
version: 1
daemon: { listen: [127.0.0.1:8620], store: "sqlite:/var/lib/rollbackd/rollbackd.db", autonomy: enforce }
notify: { ops: { exec: { argv: [/bin/true] } } }
services:
  shop:
    start_period: 0s
    signals: { payments: { push: { kind: outcomes } }, orders: { push: { kind: outcomes } } }
    triggers:
      payments: { when: consecutive_failures(payments) > 0, severity: P1, response: alert }
      orders: { when: consecutive_failures(orders) > 0, severity: P1, response: alert }
    playbooks:
      restart: { steps: [ { exec: { argv: [/bin/true] } } ], verify: [ { manual: it works } ] }
  blog:
    start_period: 0s
    signals: { posts: { push: { kind: outcomes } } }
    triggers: { posts: { when: consecutive_failures(posts) > 0, for: 1m, severity: P1, response: alert } }
)";

std::shared_ptr<Policy const> policy() {
    auto loaded = parse_policy(policy_text, "test", known_types());
    for (auto const& problem : loaded.problems) UNSCOPED_INFO(to_string(problem));
    REQUIRE(loaded.ok());
    return loaded.policy;
}

asio::awaitable<void> begin(Decider& decider, std::optional<Reply>& reply) {
    reply = co_await decider.begin();
}

asio::awaitable<void> ask(Decider& decider, Event event, std::optional<Reply>& reply) {
    reply = co_await decider.submit(std::move(event));
}

/// The decider on a loop of its own, with a clock that only the test moves.
struct Shell {
    Shell() { tasks.spawn("decider", decider.run()); }
    ~Shell() {
        if (!closed) close();
    }

    DeciderCallbacks callbacks() {
        DeciderCallbacks out;
        out.command = [this](Command const& command) {
            adopted += std::holds_alternative<AdoptStep>(command);
            started += std::holds_alternative<StartStep>(command);
        };
        out.applied = [](std::vector<Record> const&, Event const&) {};
        out.unrecorded = [this](std::vector<Message> const& messages, std::string const&) {
            for (auto const& message : messages) told += message.text + "\n---\n";
        };
        out.journal = [](bool, std::string const&) {};
        out.lost_lease = [this](std::string const&) { lost = true; };
        return out;
    }
    template <class Holds>
    void until(Holds holds) {
        for (int i = 0; i < 2000 && !holds(); ++i) {
            loop.restart();
            loop.run_for(5ms);
        }
        REQUIRE(holds());
    }
    void pass(Duration time) {
        clock.advance(time);
        submit(Acked{{}, "INC-99"}
        );  // answered without a record: the decider has looked at the clock
    }
    void fail(std::string const& service, std::string const& signal) {
        Sample sample;
        sample.service = service;
        sample.signal = signal;
        sample.at = clock.now().boot;
        sample.value = OutcomesValue{0, 1, 0, "declined"};
        REQUIRE(decider.ingest(std::span(&sample, 1)));
    }
    Reply submit(Event event) {
        std::optional<Reply> reply;
        tasks.spawn("ask", ask(decider, std::move(event), reply));
        until([&] { return reply.has_value(); });
        return *reply;
    }
    bool was_told(std::string const& words) const { return told.find(words) != std::string::npos; }
    void close() {
        closed = true;
        decider.close();
        until([&] { return tasks.size() == 0; });
    }

    asio::io_context loop{1};
    SettableClock clock{
        {Instant(1000h), WallTime(std::chrono::sys_days(std::chrono::year(2026) / 1 / 31))}
    };
    BlockingPool journal_thread{1};
    MemoryJournal journal;
    Engine engine{policy(), clock.now(), clock.boot_id()};
    std::string told;
    int adopted = 0;
    int started = 0;
    bool lost = false;
    bool closed = false;
    Decider decider{loop.get_executor(), engine, journal, journal_thread, clock, callbacks()};
    TaskGroup tasks{loop.get_executor()};
};

}  // namespace

TEST_CASE("breaches that come after the disk is full are told too, each once") {
    Shell shell;
    shell.journal.full = true;
    shell.fail("shop", "payments");
    shell.until([&] { return shell.was_told("payments"); });
    // Behind the first event, which waits for the disk: another trigger, and a `for` that ends.
    shell.fail("blog", "posts");
    shell.fail("shop", "orders");
    shell.until([&] { return shell.was_told("orders"); });
    CHECK_FALSE(shell.was_told("posts"));
    shell.clock.advance(1min);
    shell.fail("shop", "payments");
    shell.until([&] { return shell.was_told("posts"); });
    auto const said = shell.told;
    for (int i = 0; i < 5; ++i) shell.pass(2s);
    shell.submit(Paused{});
    CHECK(shell.told == said);
    CHECK(shell.journal.records.empty());
}

TEST_CASE("people are refused at once while the daemon's own event waits for the disk") {
    Shell shell;
    shell.journal.full = true;
    shell.fail("shop", "payments");
    shell.until([&] { return !shell.decider.writable(); });
    auto const reply = shell.submit(Paused{});
    REQUIRE(reply.error);
    CHECK(reply.error->code == Errc::unavailable);
    CHECK(reply.error->what.find("disk is full") != std::string::npos);
    // What needs no record is answered as ever.
    auto const unknown = shell.submit(Acked{{}, "INC-99"});
    REQUIRE(unknown.error);
    CHECK(unknown.error->code == Errc::not_found);
    CHECK_FALSE(shell.engine.state().paused);
}

TEST_CASE("once there is space everything that waited is written down, and only then counts") {
    Shell shell;
    shell.journal.full = true;
    shell.fail("shop", "payments");
    shell.until([&] { return !shell.decider.writable(); });
    shell.fail("shop", "orders");
    // However long it lasts, what waits does not grow with the time.
    for (int i = 0; i < 100; ++i) shell.pass(Decider::retry_after);
    shell.until([&] { return shell.was_told("orders"); });
    CHECK(shell.engine.state().incidents.empty());
    shell.journal.full = false;
    shell.pass(Decider::retry_after);
    shell.until([&] { return shell.decider.writable() && shell.decider.queued() == 0; });
    std::set<std::string> triggers;
    for (auto const& [id, incident] : shell.engine.state().incidents) {
        for (auto const& firing : incident->triggers) triggers.insert(firing.trigger);
    }
    CHECK(triggers == std::set<std::string>{"orders", "payments"});
}

TEST_CASE("what waits does not grow with the time the disk is full") {
    Shell shell;
    shell.fail("blog", "posts");
    shell.journal.full = true;
    shell.fail("shop", "payments");
    shell.until([&] { return !shell.decider.writable(); });
    std::size_t most = 0;
    for (int i = 0; i < 50; ++i) {
        shell.clock.advance(Decider::retry_after);
        shell.submit(Acked{{}, "INC-99"});
        most = std::max(most, shell.decider.queued());
    }
    CHECK(most < 5);
}

TEST_CASE("a stop does not wait for a full disk") {
    Shell shell;
    shell.journal.full = true;
    shell.fail("shop", "payments");
    shell.until([&] { return !shell.decider.writable(); });
    shell.close();
    CHECK(shell.decider.queued() == 0);
    CHECK(shell.journal.records.empty());
}

TEST_CASE("what may or may not have been written is looked up before anything else is decided") {
    auto const result = GENERATE(MemoryJournal::Unknown::written, MemoryJournal::Unknown::lost);
    Shell shell;
    shell.fail("blog", "posts");
    shell.journal.deaf = true;
    shell.journal.unknown = result;
    shell.fail("shop", "payments");
    shell.until([&] { return !shell.decider.writable(); });
    // Time goes on: decided again now, the same event would not give the same records.
    shell.pass(90s);
    shell.journal.deaf = false;
    shell.until([&] {
        shell.clock.advance(1s);
        return shell.decider.writable() && shell.decider.queued() == 0;
    });
    CHECK(shell.engine.state().incidents.size() == 2);
    CHECK(shell.engine.state().seq == shell.journal.records.size());
    std::size_t opened = 0;
    for (auto const& record : shell.journal.records) opened += record.kind == "incident.opened";
    CHECK(opened == 2);
}

TEST_CASE("a person is told that nobody knows, and what was written counts") {
    Shell shell;
    shell.journal.deaf = true;
    shell.journal.unknown = MemoryJournal::Unknown::written;
    auto const reply = shell.submit(Paused{{"op", "operate"}, "shop"});
    REQUIRE(reply.error);
    CHECK(reply.error->what.find("look before you repeat it") != std::string::npos);
    CHECK_FALSE(shell.engine.state().service("shop").paused);
    shell.journal.deaf = false;
    shell.until([&] {
        shell.clock.advance(1s);
        return shell.decider.writable();
    });
    CHECK(shell.engine.state().service("shop").paused);
}

TEST_CASE("a running step is adopted though nothing could be written when the daemon started") {
    Shell before;
    REQUIRE_FALSE(before.submit(RunAsked{{}, "shop", "restart", "by hand", {}, {}}).error);
    Shell shell;
    shell.journal.records = before.journal.records;
    for (auto const& record : shell.journal.records) shell.engine.apply(record);
    shell.journal.full = true;
    std::optional<Reply> began;
    shell.tasks.spawn("begin", begin(shell.decider, began));
    shell.until([&] { return began.has_value(); });
    CHECK(began->error);  // the start goes on, and says so
    CHECK(shell.adopted == 0);
    shell.journal.full = false;
    shell.pass(Decider::retry_after);
    shell.until([&] { return shell.decider.writable() && shell.decider.queued() == 0; });
    CHECK(shell.adopted == 1);
    CHECK(shell.journal.records.back().kind == "daemon.started");
}

namespace {

/// Stands still for a minute between the durable intent and the step.
void pause_after_intent(Shell& shell) {
    shell.journal.shared.emplace();
    shell.journal.shared->until = shell.clock.now().boot + lease_relied;
    shell.journal.during_append = [&] { shell.clock.advance(1min); };
}

}  // namespace

TEST_CASE("after a pause longer than its lease nothing is begun where another one took over") {
    Shell shell;
    pause_after_intent(shell);
    shell.journal.shared->taken = true;
    std::optional<Reply> reply;
    shell.tasks.spawn(
        "ask", ask(shell.decider, RunAsked{{}, "shop", "restart", "by hand", {}, {}}, reply)
    );
    shell.until([&] { return shell.lost; });
    CHECK(shell.started == 0);
    CHECK_FALSE(shell.decider.writable());
    shell.until([&] { return shell.tasks.size() == 0; });
    CHECK(shell.started == 0);
    shell.closed = true;
}

TEST_CASE("after a pause longer than its lease it is asked for, and what was decided is done") {
    Shell shell;
    pause_after_intent(shell);
    shell.journal.shared->gone = true;
    std::optional<Reply> reply;
    shell.tasks.spawn(
        "ask", ask(shell.decider, RunAsked{{}, "shop", "restart", "by hand", {}, {}}, reply)
    );
    shell.until([&] { return shell.journal.shared->asked > 0; });
    CHECK(shell.started == 0);
    shell.journal.during_append = nullptr;
    shell.journal.shared->gone = false;
    shell.until([&] { return reply.has_value(); });
    CHECK(shell.started == 1);
    CHECK_FALSE(shell.lost);
}

TEST_CASE("within its lease nobody is asked before a step begins") {
    Shell shell;
    shell.journal.shared.emplace();
    shell.journal.shared->until = shell.clock.now().boot + lease_relied;
    REQUIRE_FALSE(shell.submit(RunAsked{{}, "shop", "restart", "by hand", {}, {}}).error);
    CHECK(shell.started == 1);
    CHECK(shell.journal.shared->asked == 0);
}

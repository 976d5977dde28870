#include "triggers/sources/log_aside.hpp"

#include "core/io/clock.hpp"
#include "core/io/task_group.hpp"
#include "tests/catch.hpp"
#include "tests/triggers/sources/support/log_file.hpp"

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <future>

using namespace rollbackd;
using namespace rollbackd::source_test;
using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

using Lines = std::vector<std::string>;

/// Where whoever reads a line "hang" hangs, as in a read of a mount that does not answer.
struct Gate {
    std::promise<void> open;
    std::shared_future<void> opened{open.get_future()};
    std::shared_ptr<std::atomic<int>> reached = std::make_shared<std::atomic<int>>(0);
};

struct Fixture {
    LogFile log;
    asio::io_context loop;
    SettableClock clock{Now{Instant(1h), WallTime(1h)}};

    std::unique_ptr<LogAside> make(Gate& gate, Json saved = {}, std::string path = {}) {
        auto read = [opened = gate.opened,
                     reached = gate.reached](std::string const& line, Now now, Sample& sample) {
            if (line == "hang") {
                ++*reached;
                opened.wait();
            }
            sample.id = line;
            sample.at = now.boot;
            return LineFate::sample;
        };
        return std::make_unique<LogAside>(
            path.empty() ? log.path() : std::move(path), std::move(saved), std::move(read),
            loop.get_executor(), clock
        );
    }
    // Runs until `ready` holds, at most ten seconds.
    template <class Ready>
    bool until(Ready ready) {
        auto const limit = std::chrono::steady_clock::now() + 10s;
        while (!ready()) {
            if (std::chrono::steady_clock::now() > limit) return false;
            loop.run_one_for(100ms);
            loop.restart();
        }
        return true;
    }
};

/// One that takes batches until it is told to stop.
struct Taker {
    Taker(Fixture& fixture, LogAside& aside) : f(fixture) {
        group.spawn("take", take(aside, lines, begun));
    }
    ~Taker() { stop(); }
    static asio::awaitable<void> take(LogAside& aside, Lines& lines, bool& begun) {
        co_await aside.begin();
        begun = true;
        while (true) {
            auto const batch = co_await aside.next_batch();
            if (!batch) co_return;
            for (auto const& sample : *batch) lines.push_back(sample.id);
        }
    }
    void stop() {
        group.cancel();
        CHECK(f.until([&] { return group.size() == 0; }));
    }

    Fixture& f;
    TaskGroup group{f.loop.get_executor()};
    Lines lines;
    bool begun = false;
};

Json through_text(JsonObject const& saved) { return *parse_json(to_text(Json(saved))); }

}  // namespace

TEST_CASE("a look that hangs is told as timeout, and what it read is handed out when it ends") {
    Fixture f;
    Gate gate;
    f.log.append("old\n");
    auto const aside = f.make(gate);
    Taker taker(f, *aside);
    REQUIRE(f.until([&] { return taker.begun; }));
    f.log.append("1\n");
    REQUIRE(f.until([&] { return taker.lines == Lines{"1"}; }));
    auto const saved = aside->save();
    f.log.append("2\nhang\n3\n");
    REQUIRE(f.until([&] { return *gate.reached == 1; }));
    CHECK(aside->status().reading);  // not for long enough yet
    f.clock.advance(log_look_max);
    CHECK_FALSE(aside->status().reading);
    CHECK(aside->status().text.starts_with("timeout: " + f.log.path()));
    CHECK(aside->status().since == Instant(1h));
    CHECK(taker.lines == Lines{"1"});
    CHECK(aside->save() == saved);
    gate.open.set_value();
    CHECK(f.until([&] { return taker.lines == Lines{"1", "2", "hang", "3"}; }));
    CHECK(*gate.reached == 1);
    CHECK(aside->status().reading);
    CHECK(aside->save() != saved);
}

TEST_CASE("a log that hangs holds up no other one, no stop, and nobody who lets it go") {
    Fixture f;
    Gate gate, none;
    f.log.append("");
    f.log.append("", ".other");
    auto aside = f.make(gate);
    auto const other = f.make(none, {}, f.log.path(".other"));
    Taker taker(f, *aside), beside(f, *other);
    REQUIRE(f.until([&] { return taker.begun && beside.begun; }));
    f.log.append("1\nhang\n");
    REQUIRE(f.until([&] { return *gate.reached == 1; }));
    f.log.append("a\n", ".other");
    CHECK(f.until([&] { return beside.lines == Lines{"a"}; }));
    taker.stop();
    CHECK(taker.lines.empty());
    auto const saved = through_text(aside->save());
    aside.reset();
    // The next one takes what that look never handed out, once.
    none.open.set_value();
    auto const next = f.make(none, saved);
    Taker again(f, *next);
    CHECK(f.until([&] { return again.lines == Lines{"1", "hang"}; }));
    gate.open.set_value();
}

TEST_CASE("a log that cannot be looked for just now keeps its saved place") {
    auto const name = GENERATE(std::string("app.log"), std::string("*.log"));
    Fixture f;
    Gate gate;
    auto const share = f.log.folder() / "share", disk = f.log.folder() / "disk";
    // At one blow: nobody may see the moment in which there is nothing.
    auto const mount = [&](fs::path const& what) {
        auto const next = f.log.folder() / "next";
        fs::create_symlink(what, next);
        fs::rename(next, share);
    };
    auto const append = [&](std::string const& text) {
        std::ofstream(share / "app.log", std::ios::app) << text;
    };
    fs::create_directory(disk);
    mount(disk);
    append("old\n");
    Json saved;
    {
        auto const aside = f.make(gate, {}, (share / name).string());
        Taker taker(f, *aside);
        REQUIRE(f.until([&] { return taker.begun; }));
        append("1\n");
        REQUIRE(f.until([&] { return taker.lines == Lines{"1"}; }));
        taker.stop();
        saved = through_text(aside->save());
    }
    append("2\n");
    mount(share);  // an error, and not "no such file"
    auto const aside = f.make(gate, saved, (share / name).string());
    Taker taker(f, *aside);
    REQUIRE(f.until([&] { return taker.begun; }));
    CHECK_FALSE(aside->status().reading);
    CHECK_FALSE(aside->status().text.empty());
    CHECK(Json(aside->save()) == saved);
    mount(disk);
    CHECK(f.until([&] { return taker.lines == Lines{"2"}; }));
    append("3\n");
    CHECK(f.until([&] { return taker.lines == Lines{"2", "3"}; }));
    CHECK(aside->status().reading);
}

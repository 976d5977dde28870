#include "core/io/clock.hpp"
#include "core/io/secrets.hpp"
#include "core/io/stream.hpp"
#include "core/io/task_group.hpp"
#include "tests/catch.hpp"
#include "tests/triggers/sources/support/log_file.hpp"
#include "triggers/sources/registry.hpp"

#include <boost/asio/io_context.hpp>

using namespace rollbackd;
using namespace rollbackd::source_test;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

std::string line(int status, std::string const& path = "/") {
    return "192.0.2.7 - - [31/Jan/2026:12:00:00 +0000] \"GET " + path + " HTTP/1.1\" " +
           std::to_string(status) + " 5 \"-\" \"-\"\n";
}

// Takes batches until there are `wanted` samples or it is told to stop.
asio::awaitable<void> take(Source& source, std::size_t wanted, std::vector<Sample>& samples) {
    while (samples.size() < wanted) {
        auto batch = co_await source.next_batch();
        if (!batch) co_return;
        samples.insert(samples.end(), batch->begin(), batch->end());
    }
}

struct Fixture {
    LogFile log;
    asio::io_context loop;
    RealClock clock;
    TaskGroup group{loop.get_executor()};
    Dialer dialer{loop.get_executor()};
    HttpClient http{dialer};
    BlockingPool pool;
    Secrets secrets;

    SourceContext context() {
        return SourceContext{loop.get_executor(), dialer, http, pool, secrets, clock};
    }

    std::unique_ptr<Source> make(Json const& saved = {}) {
        SignalPolicy signal;
        signal.name = "requests";
        signal.type = "access_log";
        signal.kind = SignalKind::outcomes;
        signal.params["path"] = log.path();
        signal.params["match"] = JsonObject{{"path", "^/shop"}};
        auto source = make_source("shop", signal, context(), saved);
        REQUIRE(source.has_value());
        return std::move(*source);
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
    void stop() {
        group.cancel();
        CHECK(until([&] { return group.size() == 0; }));
    }
};

}  // namespace

TEST_CASE("lines become samples as they are written, and what does not match is counted") {
    Fixture f;
    f.log.append(line(500, "/shop/old"));
    auto const source = f.make();
    std::vector<Sample> samples;
    f.group.spawn("source", take(*source, 3, samples));
    CHECK(f.until([&] { return source->status().caught_up; }));
    CHECK(samples.empty());
    f.log.append(line(200, "/shop") + line(502, "/shop") + line(500, "/other") + "garbage\n");
    f.log.append(line(101, "/shop") + line(404, "/shop"));
    REQUIRE(f.until([&] { return samples.size() == 3; }));
    CHECK(std::get<OutcomesValue>(samples[0].value).success == 1);
    CHECK(std::get<OutcomesValue>(samples[1].value).failure == 1);
    CHECK(std::get<OutcomesValue>(samples[2].value).neutral == 1);
    auto const status = source->status();
    CHECK(status.reading);
    CHECK(status.lines == 6);
    CHECK(status.samples == 3);
    CHECK(status.unmatched == 1);
    CHECK(status.no_status == 1);
    CHECK(status.unreadable == 1);
    f.stop();
}

TEST_CASE("a missing log is a status, and is read whole once it appears") {
    Fixture f;
    auto const source = f.make();
    std::vector<Sample> samples;
    f.group.spawn("source", take(*source, 1, samples));
    CHECK(f.until([&] { return !source->status().text.empty(); }));
    CHECK_FALSE(source->status().reading);
    f.log.append(line(200, "/shop"));
    CHECK(f.until([&] { return samples.size() == 1; }));
    CHECK(source->status().reading);
    f.stop();
}

TEST_CASE("a source made from what another saved goes on exactly after its last sample") {
    Fixture f;
    f.log.append("");
    Json saved;
    {
        auto const source = f.make();
        std::vector<Sample> samples;
        f.group.spawn("source", take(*source, 2, samples));
        REQUIRE(f.until([&] { return source->status().caught_up; }));
        f.log.append(line(200, "/shop/1") + line(500, "/shop/2"));
        REQUIRE(f.until([&] { return samples.size() == 2; }));
        saved = *parse_json(to_text(source->save()));
        f.stop();
    }
    f.log.append(line(500, "/shop/3"));
    f.log.rotate_by_rename();
    f.log.append(line(500, "/shop/4"));
    auto const source = f.make(saved);
    TaskGroup group(f.loop.get_executor());
    std::vector<Sample> samples;
    group.spawn("source", take(*source, 2, samples));
    REQUIRE(f.until([&] { return samples.size() == 2; }));
    CHECK(std::get<OutcomesValue>(samples[0].value).reason == "status: 500 GET /shop/3");
    CHECK(std::get<OutcomesValue>(samples[1].value).reason == "status: 500 GET /shop/4");
    group.cancel();
    CHECK(f.until([&] { return group.size() == 0; }));
}

TEST_CASE("a source that is told to stop stops while it waits") {
    Fixture f;
    f.log.append("");
    auto const source = f.make();
    std::vector<Sample> samples;
    f.group.spawn("source", take(*source, 1, samples));
    CHECK(f.until([&] { return source->status().caught_up; }));
    f.stop();
    CHECK(samples.empty());
}

TEST_CASE("a position in another file is not used") {
    Fixture f;
    f.log.append(line(500, "/shop/old"));
    Json const saved = *parse_json(R"({"path":"/var/log/other.log","position":{"files":[]}})");
    auto const source = f.make(saved);
    std::vector<Sample> samples;
    f.group.spawn("source", take(*source, 1, samples));
    CHECK(f.until([&] { return source->status().caught_up; }));
    CHECK(samples.empty());
    f.stop();
}

TEST_CASE("push signals have no source of their own") {
    Fixture f;
    SignalPolicy signal;
    signal.type = "push";
    auto const source = make_source("shop", signal, f.context(), {});
    REQUIRE(source.has_value());
    CHECK(*source == nullptr);
}

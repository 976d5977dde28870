#include "triggers/sources/redis_entry.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;
using namespace std::chrono_literals;

namespace {

Now const now{Instant(1000h), parse_rfc3339("2026-01-31T12:00:10Z").value()};

Result<Sample> read(StreamFields const& fields, std::string by = "") {
    SignalPolicy signal;
    signal.name = "events";
    signal.by = std::move(by);
    std::string const id = "1769860800250-3";  // 2026-01-31T12:00:00.25Z
    return read_stream_entry(id, *parse_stream_id(id), fields, signal, "shop", now);
}

OutcomesValue counts(StreamFields const& fields) {
    return std::get<OutcomesValue>(read(fields).value().value);
}

}  // namespace

TEST_CASE("a stream's ids are ordered by time, then by number") {
    CHECK(parse_stream_id("5-1") == StreamId{5, 1});
    CHECK(parse_stream_id("5") == StreamId{5, 0});
    CHECK(*parse_stream_id("5-10") > *parse_stream_id("5-9"));
    CHECK(*parse_stream_id("10-0") > *parse_stream_id("9-99"));
    for (auto const* const none : {"", "-", "a-1", "1-", "1-b", "99999999999999999999-0", "-1-1"}) {
        CAPTURE(none);
        CHECK_FALSE(parse_stream_id(none));
    }
}

TEST_CASE("an entry is an outcome at its id's time, distinct by its id") {
    auto const sample = read({{"ok", "false"}, {"reason", "card\ndeclined"}}).value();
    CHECK(sample.id == "1769860800250-3");
    CHECK(sample.at == now.boot - 9750ms);
    CHECK(std::get<OutcomesValue>(sample.value).failure == 1);
    CHECK(counts({{"ok", "1"}}) == OutcomesValue{1, 0, 0, {}});
    CHECK(counts({{"success", "97"}, {"failure", "3"}}) == OutcomesValue{97, 3, 0, {}});
}

TEST_CASE("its own id, time and by count instead") {
    auto const sample = read(
                            {{"ok", "true"},
                             {"id", "evt_1"},
                             {"at", "2026-01-31T12:00:05Z"},
                             {"provider", "a"},
                             {"client", "c"}},
                            "provider"
    )
                            .value();
    CHECK(sample.id == "evt_1");
    CHECK(sample.at == now.boot - 5s);
    CHECK(sample.by == "a");
    CHECK(sample.client == "c");
}

TEST_CASE("an entry that says no outcome is none") {
    for (StreamFields const& fields :
         {StreamFields{}, StreamFields{{"ok", "maybe"}}, StreamFields{{"failure", "-1"}},
          StreamFields{{"success", "many"}}, StreamFields{{"ok", "1"}, {"at", "noon"}}}) {
        CHECK_FALSE(read(fields));
    }
}

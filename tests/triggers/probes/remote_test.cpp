// What goes over ssh and comes back: any value, rows and counters, and where the next question
// goes on.
#include "triggers/probes/remote.hpp"

#include "core/names.hpp"
#include "tests/catch.hpp"
#include "tests/core/io/support/temp_folder.hpp"
#include "tests/triggers/probes/support.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;
using namespace std::chrono_literals;

namespace {

/// The other end's answer to a question as ssh hands it over.
Result<RemoteAnswer> asked(ProbeLoop& there, std::string const& signal, Json saved = nullptr) {
    JsonObject question{{"signal", parse_json(signal).value()}, {"timeout", Duration(5s).count()}};
    if (!saved.is_null()) question["saved"] = std::move(saved);
    auto const line = there.loop.run(answer_remote(to_text(question), there.context()));
    if (!line) return tl::unexpected<Error>(line.error());
    return read_answer(*line);
}

}  // namespace

TEST_CASE("an answer comes back as it was given, with its rows and where it goes on") {
    RemoteAnswer answer;
    answer.answer.value = OutcomesValue{};
    answer.answer.note = "two of them";
    answer.answer.more.push_back(
        {OutcomesValue{1, 0, 0, ""}, "stripe", "evt_1", "u7", WallTime(std::chrono::seconds(5))}
    );
    answer.answer.more.push_back({OutcomesValue{0, 1, 0, "declined"}, "paypal", "evt_2", {}, {}});
    answer.saved = JsonObject{{"totals", 7}};
    CHECK(read_answer(write_answer(answer)) == answer);
    CHECK(read_answer(write_answer({})) == RemoteAnswer{});  // a first look at counters
    for (SampleValue const& value : std::vector<SampleValue>{
             StateValue{false, "refused: nobody", 3ms}, GaugeValue{1.5, "x", true}, TextValue{"v2"},
             UnknownValue{"missing: no such file"}
         }) {
        RemoteAnswer one;
        one.answer.value = value;
        CHECK(read_answer(write_answer(one)) == one);
    }
}

TEST_CASE("what is no answer is said to be none") {
    for (auto const* const line :
         {"", "ok", "{}", R"({"note":"x"})", R"({"value":{},"more":[{"value":{}}]})",
          R"({"value":{"gauge":{"value":"many"}}})"}) {
        INFO(line);
        CHECK_FALSE(read_answer(line));
    }
}

TEST_CASE("another machine's words are cut and cleaned like any from outside") {
    RemoteAnswer answer;
    answer.answer.more.push_back(
        {OutcomesValue{0, 1, 0, "a\nb"}, std::string(500, 'b'), std::string(500, 'i'), "\n", {}}
    );
    auto const read = read_answer(write_answer(answer));
    REQUIRE(read);
    auto const& row = read->answer.more.front();
    CHECK(row.by == printable(std::string(500, 'b'), 128));
    CHECK(row.id.size() == 256);
    CHECK(std::get<OutcomesValue>(row.value).reason.find('\n') == std::string::npos);
}

TEST_CASE("a probe that compares two answers compares them over two questions from elsewhere") {
    ProbeLoop there;
    auto const signal = R"({"name":"cpu","type":"load","params":{"measure":"cpu"}})";
    auto const first = asked(there, signal);
    REQUIRE(first);
    CHECK(unknown_of(first->answer).starts_with("first_look: "));
    REQUIRE(first->saved);
    auto answer = asked(there, signal, *first->saved);
    REQUIRE(answer);
    // The kernel counts in hundredths of a second.
    while (!std::holds_alternative<GaugeValue>(*answer->answer.value)) {
        answer = asked(there, signal, *first->saved);
        REQUIRE(answer);
    }
    CHECK(number_of(answer->answer) <= 1);
}

TEST_CASE("what was saved long ago, or is rubbish, begins anew") {
    ProbeLoop there;
    auto const signal = R"({"name":"cpu","type":"load","params":{"measure":"cpu"}})";
    auto const first = asked(there, signal);
    REQUIRE(first);
    there.clock.advance(1h);
    CHECK(unknown_of(asked(there, signal, *first->saved)->answer).starts_with("first_look: "));
    for (auto const* const text : {"7", "[]", R"({"busy":"x"})"}) {
        auto const answer = asked(there, signal, parse_json(text).value());
        CHECK(unknown_of(answer->answer).starts_with("first_look: "));
    }
}

TEST_CASE("what is no question is refused") {
    ProbeLoop there;
    CHECK_FALSE(there.loop.run(answer_remote("nonsense", there.context())));
    CHECK_FALSE(asked(there, R"({"name":"x","type":"no such type"})"));
    CHECK_FALSE(asked(there, R"({"name":"x","type":"load","from":"a third machine"})"));
}

TEST_CASE("the way takes a quarter of the time, and more where that was not enough") {
    WayThere way;
    CHECK(way.share(2s) == 500ms);
    CHECK(way.share(20s) == 2s);
    way.was_well(100ms);
    CHECK(way.share(20s) == 2s);
    way.was_late(20s);
    CHECK(way.share(20s) == 4s);
    way.was_late(20s);
    way.was_late(20s);
    CHECK(way.share(20s) == 15s);  // the target's own time is never less than a quarter
    way.was_well(16s);             // it was the target that took so long
    CHECK(way.share(20s) == 15s);
    way.was_well(4s);
    CHECK(way.share(20s) == 5s);
    way.was_well(100ms);
    CHECK(way.share(20s) == 2s);
}

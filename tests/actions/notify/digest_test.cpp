#include "actions/notify/digest.hpp"

#include "tests/catch.hpp"

namespace rollbackd {

namespace {

Outgoing message(int number, std::string incident, std::string text) {
    Outgoing out;
    out.id = "MSG-" + std::to_string(number);
    out.incident = std::move(incident);
    out.event = "incident.opened";
    out.text = std::move(text);
    out.command = "rollbackctl explain " + out.incident;
    return out;
}

std::size_t lines_of(std::string const& text) {
    return 1 + std::size_t(std::count(text.begin(), text.end(), '\n'));
}

TEST_CASE("one message alone stays as it is", "[notify][digest]") {
    std::vector const one{message(7, "INC-1", "P0 shop: down\nnothing was done")};
    CHECK(digest(one) == one.front());
}

TEST_CASE("the first is told whole, of the others the first line", "[notify][digest]") {
    std::vector const all{
        message(9, "INC-3", "P0 shop: down\nheld by (d)\nnext: nothing"),
        message(7, "INC-1", "P2 blog: slow\nonly told"), message(8, "", "v3 is quarantined")
    };
    auto const told = digest(all);
    CHECK(
        told.text ==
        "P0 shop: down\nheld by (d)\nnext: nothing\n"
        "Together with it, for this channel is told no more often:\n"
        "- P2 blog: slow\n- v3 is quarantined"
    );
    CHECK(told.incident == "INC-3");
    CHECK(told.command == "rollbackctl explain INC-3");
    CHECK(told.id == "MSG-9+2-MSG-9");
}

TEST_CASE(
    "of an incident's states only the newest is told, and every reminder", "[notify][digest]"
) {
    auto due = message(11, "INC-1", "INC-1: is the queue empty?");
    due.event = "follow_up.due";
    std::vector const all{
        message(12, "INC-1", "recovered"), due, message(10, "INC-1", "acting"),
        message(9, "INC-1", "open")
    };
    CHECK(
        digest(all).text ==
        "recovered\nTogether with it, for this channel is told no more often:\n"
        "- INC-1: is the queue empty?"
    );
}

TEST_CASE("another set of messages has another id, the same set the same", "[notify][digest]") {
    std::vector const two{message(12, "INC-1", "a"), message(9, "INC-2", "b")};
    std::vector const three{
        message(12, "INC-1", "a"), message(9, "INC-2", "b"), message(100, "INC-3", "c")
    };
    CHECK(digest(two).id == digest(two).id);
    CHECK(digest(two).id != digest(three).id);
    CHECK(digest(three).id == "MSG-12+2-MSG-100");
}

TEST_CASE(
    "hundreds become one of a readable length that says where the others are", "[notify][digest]"
) {
    std::vector<Outgoing> all;
    for (int i = 0; i < 200; ++i) {
        all.push_back(message(i, "INC-" + std::to_string(i), "P1 s" + std::to_string(i) + ": down")
        );
    }
    auto const text = digest(all).text;
    CHECK(lines_of(text) == 24);
    CHECK(text.find("- and 179 more\nAll of them: rollbackctl incidents") != std::string::npos);
}

TEST_CASE("what an application wrote makes no line of its own", "[notify][digest]") {
    std::vector const all{
        message(2, "INC-2", "P0 shop: down"), message(1, "INC-1", "P2 \x1b[31mblog\r- P0 forged\nx")
    };
    auto const text = digest(all).text;
    CHECK(lines_of(text) == 3);
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find('\r') == std::string::npos);
}

}  // namespace

}  // namespace rollbackd

#include "triggers/readings.hpp"

#include "tests/catch.hpp"

using namespace rollbackd;

namespace {

/// "requests failure_ratio 5m > 0.01" for each reading.
std::vector<std::string> read(std::string const& text) {
    auto const condition = Condition::parse(text);
    REQUIRE(condition);
    std::vector<std::string> out;
    for (auto const& reading : readings_of(*condition)) {
        std::string line = reading.signal + " " + reading.function;
        if (reading.window) line += " " + format_duration(*reading.window);
        line += " " + reading.comparison;
        if (reading.threshold) line += std::to_string(*reading.threshold).substr(0, 5);
        out.push_back(std::move(line));
    }
    return out;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a call compared with a number is read with its threshold, in the number's base unit") {
    CHECK(read("failure_ratio(requests, 5m) > 1%") == Lines{"requests failure_ratio 5m >0.010"});
    CHECK(
        read("consecutive_failures(health) >= 3") == Lines{"health consecutive_failures >=3.000"}
    );
}

TEST_CASE("a threshold on the left is read as if it stood on the right") {
    CHECK(read("100 < value(queue)") == Lines{"queue value >100.0"});
}

TEST_CASE("every part of a condition is read, and what has no fixed number has no threshold") {
    CHECK(
        read("failed(health) and value(queue) > 2 * baseline(queue)") ==
        Lines{"health failed ", "queue value ", "queue baseline "}
    );
    CHECK(read("value(queue) > 2 * 50") == Lines{"queue value >100.0"});
}

TEST_CASE("a condition that is not there reads nothing") {
    CHECK(readings_of(Condition()).empty());
}

#include "triggers/probes/prom_text.hpp"
#include "tests/catch.hpp"

#include <cmath>

using namespace rollbackd;

namespace {

struct Seen {
    std::string name;
    std::vector<std::pair<std::string, std::string>> labels;
    double value = 0;
};

Result<std::vector<Seen>> read(std::string_view text) {
    std::vector<Seen> seen;
    auto const done = read_prom_text(
        text, [](std::string_view name) { return name.starts_with("http"); },
        [&](PromSample const& sample) {
            Seen one{std::string(sample.name), {}, sample.value};
            for (auto const& [name, value] : sample.labels) one.labels.emplace_back(name, value);
            seen.push_back(std::move(one));
        }
    );
    if (!done) return tl::unexpected<Error>(done.error());
    return seen;
}

}  // namespace

TEST_CASE("samples are read with their labels, escapes, timestamps and exemplars") {
    auto const seen = read(
        "# HELP http_requests_total Requests.\n# TYPE http_requests_total counter\n"
        "http_requests_total{code=\"200\",path=\"/a\\\"b\\\\c\\nd\",} 1027 1395066363000\n"
        "\r\n  http_up 1\r\n"
        "other_metric{what=\"not asked for\"} nonsense\n"
        "http_seconds_bucket { le = \"0.5\" } 4 # {trace_id=\"x\"} 0.43\n"
        "http_temperature -2.5e-3\n# EOF"
    );
    REQUIRE(seen);
    REQUIRE(seen->size() == 4);
    CHECK(seen->at(0).value == 1027);
    CHECK(seen->at(0).labels.at(0) == std::pair<std::string, std::string>("code", "200"));
    CHECK(seen->at(0).labels.at(1).second == "/a\"b\\c\nd");
    CHECK(seen->at(1).value == 1);
    CHECK(seen->at(2).labels.at(0).second == "0.5");
    CHECK(seen->at(3).value == -0.0025);
}

TEST_CASE("NaN and the infinities are values of the format") {
    auto const seen = read("http_a NaN\nhttp_b +Inf\nhttp_c -Inf\n");
    REQUIRE(seen);
    CHECK(std::isnan(seen->at(0).value));
    CHECK(seen->at(1).value > 1e308);
    CHECK(seen->at(2).value < -1e308);
}

TEST_CASE("what is not in the format is told with its line") {
    for (auto const* const line :
         {"<html>", "http_a", "http_a{code=200} 1", "http_a{code=\"200\" 1",
          "http_a{code=\"200\"} ", "http_a 1 2 3", "http_a one", "http_a{=\"x\"} 1",
          "http_a{code} 1", "{\"json\": true}"}) {
        CAPTURE(line);
        auto const seen = read("http_ok 1\n" + std::string(line) + "\n");
        REQUIRE_FALSE(seen);
        CHECK(seen.error().where == "line 2");
    }
    std::string many = "http_a{";
    for (std::size_t i = 0; i <= prom_labels_max; ++i) many += "a=\"b\",";
    CHECK_FALSE(read(many + "} 1"));
    CHECK(
        read("http_a{b=\"" + std::string(prom_line_bytes_max, 'x') + "\"} 1").error().code ==
        Errc::too_large
    );
}

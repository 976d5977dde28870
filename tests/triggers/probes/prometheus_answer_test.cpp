#include "triggers/probes/prometheus_answer.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;

namespace {

std::string why(unsigned status, std::string_view body) {
    auto const number = prometheus_number(status, body);
    REQUIRE_FALSE(number);
    return number.error().what;
}

constexpr char const* one =
    R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1.5,"0.25"]}]}})";

}  // namespace

TEST_CASE("a scalar, or the only element of a vector, is the number") {
    CHECK(prometheus_number(200, one) == 0.25);
    CHECK(
        prometheus_number(
            200, R"({"status":"success","data":{"resultType":"scalar","result":[1,"7"]}})"
        ) == 7
    );
}

TEST_CASE("no result, more than one, NaN and other types are unknown, each with its reason") {
    CHECK(why(200, R"({"status":"success","data":{"resultType":"vector","result":[]}})")
              .starts_with("missing: "));
    CHECK(
        why(200, R"({"status":"success","data":{"resultType":"vector","result":[{},{}]}})")
            .find("gives 2") != std::string::npos
    );
    CHECK(why(200, R"({"status":"success","data":{"resultType":"scalar","result":[1,"NaN"]}})")
              .starts_with("content: "));
    CHECK(why(200, R"({"status":"success","data":{"resultType":"matrix","result":[]}})")
              .starts_with("content: "));
    CHECK(why(200, R"({"status":"success"})").starts_with("content: "));
    CHECK(why(200, "<html>").starts_with("content: "));
    CHECK(why(200,
              R"({"status":"success","data":{"resultType":"vector","result":[{"value":[1]}]}})")
              .starts_with("content: "));
}

TEST_CASE("what the server refuses is its words, what is not the server its status") {
    CHECK(
        why(400, R"({"status":"error","errorType":"bad_data","error":"parse error"})") ==
        "query: bad_data: parse error"
    );
    CHECK(why(502, "<html>Bad Gateway</html>") == "status: 502, expected 2xx");
}

#include "core/scalar.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;

TEST_CASE("a number is written as people write it, whichever way it came") {
    auto const shown = [](std::string_view json) { return scalar_text(*parse_json(json)); };
    CHECK(shown("4") == "4");
    CHECK(shown("4.0") == "4");
    CHECK(shown("4E0") == "4");
    CHECK(shown("500e0") == "500");
    CHECK(shown("1.5") == "1.5");
    CHECK(shown("-0.25") == "-0.25");
    CHECK(shown("-0.0") == "0");
    CHECK(shown("0.1") == "0.1");
    CHECK(shown("1e6") == "1000000");
    CHECK(shown("0.000001") == "0.000001");
    CHECK(shown("18446744073709551615") == "18446744073709551615");
    CHECK(shown("\"4E0\"") == "4E0");  // a text stays what it is
    CHECK(shown("true") == "true");
    CHECK(parse_json(shown("1e300")).value().to_number<double>() == 1e300);
}

#include "core/percent.hpp"

#include "tests/catch.hpp"

using namespace rollbackd;

TEST_CASE("query values are found by their decoded name and decoded") {
    CHECK(query_value("a=1&provider=stripe&b=2", "provider") == "stripe");
    CHECK(query_value("provider=pay%20pal+x", "provider") == "pay pal x");
    CHECK(query_value("pro%76ider=x", "provider") == "x");
    CHECK(query_value("provider", "provider") == "");
    CHECK(query_value("provider=%zz%4", "provider") == "%zz%4");
    CHECK_FALSE(query_value("xprovider=1", "provider").has_value());
    CHECK_FALSE(query_value("", "provider").has_value());
}

TEST_CASE("what is not unreserved is escaped, byte by byte, and comes back") {
    CHECK(percent_encode("a b/\"ä") == "a%20b%2F%22%C3%A4");
    CHECK(percent_encode("Az09-_.~") == "Az09-_.~");
    CHECK(percent_decode("a%20b%2f%22%C3%A4", false) == "a b/\"ä");
    CHECK(percent_decode("a+b", false) == "a+b");
    CHECK(percent_decode("a+b", true) == "a b");
    CHECK_FALSE(percent_decode("a%2", false).has_value());
    CHECK_FALSE(percent_decode("a%zz", false).has_value());
    CHECK_FALSE(percent_decode("a%00", false).has_value());
}

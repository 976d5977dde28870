#include "core/query.hpp"

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

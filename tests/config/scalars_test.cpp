#include "config/scalars.hpp"

#include "tests/catch.hpp"

using namespace rollbackd;

TEST_CASE("booleans and numbers are read as they look, and as nothing else") {
    CHECK(parse_boolean("true") == true);
    CHECK(parse_boolean("false") == false);
    for (auto const* const wrong : {"yes", "no", "on", "True", "1", ""}) {
        CHECK_FALSE(parse_boolean(wrong));
    }
    CHECK(parse_integer("-12") == -12);
    CHECK(parse_integer("0") == 0);
    for (auto const* const wrong :
         {"010", "0x10", "1e3", "1_000", "+1", "", "-", "1.0", "99999999999999999999"}) {
        CHECK_FALSE(parse_integer(wrong));
    }
    CHECK(parse_number("1.5") == 1.5);
    for (auto const* const wrong : {"", "nan", "inf", "1e5", "1.5x", "0x1p3"}) {
        CHECK_FALSE(parse_number(wrong));
    }
}

TEST_CASE("shares are percent or fractions") {
    CHECK(parse_share("95%").value() == Approx(0.95));
    CHECK(parse_share("0.95").value() == Approx(0.95));
    CHECK_FALSE(parse_share("95 %"));
    CHECK_FALSE(parse_share("%"));
}

TEST_CASE("sizes count in thousands, or in 1024 where the unit says so") {
    CHECK(parse_size("100") == 100);
    CHECK(parse_size("1kB") == 1000);
    CHECK(parse_size("1KiB") == 1024);
    CHECK(parse_size("1.5MB") == 1'500'000);
    CHECK(parse_size("2GiB") == 2'147'483'648);
    for (auto const* const wrong : {"", "MB", "-1MB", "1 MB", "10XB", "9999999TiB"}) {
        CHECK_FALSE(parse_size(wrong));
    }
}

TEST_CASE("an address to listen on says whether others can reach it") {
    for (auto const* const mine :
         {"127.0.0.1:8620", "127.3.2.1:0", "[::1]:8620", "localhost:1",
          "unix:/run/rollbackd/api.sock"}) {
        auto const address = parse_listen(mine);
        REQUIRE(address);
        CHECK(address->loopback);
    }
    for (auto const* const open : {"0.0.0.0:8620", "[::]:8620", "192.0.2.7:443"}) {
        auto const address = parse_listen(open);
        REQUIRE(address);
        CHECK_FALSE(address->loopback);
    }
    CHECK(parse_listen("[::1]:8620")->host == "::1");
    CHECK(parse_listen("unix:/run/x")->is_unix);
    for (auto const* const wrong :
         {"", "8620", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "example.com:80", "::1:80",
          "unix:relative", "127.0.0.1:-1"}) {
        CHECK_FALSE(parse_listen(wrong));
    }
}

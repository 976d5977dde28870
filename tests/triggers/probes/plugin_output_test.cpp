#include "triggers/probes/plugin_output.hpp"

#include "tests/catch.hpp"

using namespace rollbackd;

TEST_CASE("a plugin's line is its text, and what follows the bar are its numbers") {
    auto const parsed = parse_plugin_output(
        "DISK OK - free space: / 3326 MB (56%);|/=2643MB;5948;5958;0;5968 'used %'=44%;80;90\n"
    );
    CHECK(parsed.text == "DISK OK - free space: / 3326 MB (56%);");
    REQUIRE(parsed.values.size() == 2);
    CHECK(parsed.values[0] == PerfValue{"/", 2643.0 * 1024 * 1024});
    CHECK(parsed.value_of("used %") == 0.44);
}

TEST_CASE("units become seconds, bytes and shares") {
    auto const parsed = parse_plugin_output("OK|a=250ms b=2s c=3us d=1KB e=7c f=1.5 g=9furlongs");
    CHECK(parsed.value_of("a") == 0.25);
    CHECK(parsed.value_of("b") == 2.0);
    CHECK(parsed.value_of("c") == Approx(3e-6));
    CHECK(parsed.value_of("d") == 1024.0);
    CHECK(parsed.value_of("e") == 7.0);
    CHECK(parsed.value_of("f") == 1.5);
    CHECK(parsed.value_of("g") == 9.0);
}

TEST_CASE("numbers after the bar of a later line count, and text lines between do not") {
    auto const parsed =
        parse_plugin_output("PING WARNING | rta=80ms;60;100\nlong text\nmore=text | pl=0%\nlost=3\n"
        );
    CHECK(parsed.text == "PING WARNING");
    CHECK(parsed.value_of("rta") == 0.08);
    CHECK(parsed.value_of("pl") == 0.0);
    CHECK(parsed.value_of("lost") == 3.0);
    CHECK_FALSE(parsed.value_of("more"));
}

TEST_CASE("a quoted label may hold blanks, an equals sign and doubled quotes") {
    auto const parsed = parse_plugin_output("x|'it''s a=b'=5 plain=6");
    CHECK(parsed.value_of("it's a=b") == 5.0);
    CHECK(parsed.value_of("plain") == 6.0);
}

TEST_CASE("what is no number, or has no end, is left out") {
    CHECK(parse_plugin_output("x|a=U b=nan c=inf d= =3 e f=1e999 'g=4").values.empty());
    CHECK(parse_plugin_output("").text.empty());
    CHECK(parse_plugin_output("|").values.empty());
}

#include "cli/text.hpp"

#include "tests/catch.hpp"

using namespace rollbackd::cli;

TEST_CASE("outside text cannot steer a terminal") {
    CHECK(clean("a\x1b[31mb") == "a\\x1b[31mb");
    CHECK(
        clean("a\xc2\x9b"
              "31mb") == "a\\xc2\\x9b31mb"
    );  // C1 form of the same
    CHECK(
        clean("a\xe2\x80\xae"
              "b") == "a\\xe2\\x80\\xaeb"
    );                                           // right-to-left override
    CHECK(clean("a\xd8\x9c") == "a\\xd8\\x9c");  // the Arabic letter mark turns directions too
    CHECK(clean("a\xff\xfe") == "a\\xff\\xfe");  // no UTF-8
    CHECK(clean("\xc0\xaf \xed\xa0\x80") == "\\xc0\\xaf \\xed\\xa0\\x80");  // overlong, surrogate
    CHECK(clean("one\r\ntwo\tthree") == "one  two three");
    CHECK(clean_block("one\ntwo\tthree") == "one\ntwo three");
    CHECK(clean("größe ✓") == "größe ✓");
}

TEST_CASE("columns are counted as a terminal shows them") {
    CHECK(width_of("größe") == 5);
    CHECK(width_of("e\xcc\x81") == 1);
    CHECK(width_of("日本") == 4);
    CHECK(padded("ö", 3) == "ö  ");
    CHECK(padded("ö", 3, true) == "  ö");
}

TEST_CASE("cut never exceeds its width and never splits a character") {
    CHECK(cut("größer", 4) == "grö…");
    CHECK(cut("日本語", 4) == "日…");
    CHECK(cut("same", 4) == "same");
    CHECK(cut("same", 0).empty());
}

TEST_CASE("wrap breaks at spaces, and inside a word that is too long") {
    CHECK(wrap("one two three", 7) == std::vector<std::string>{"one two", "three"});
    CHECK(wrap("abcdefgh", 3) == std::vector<std::string>{"abc", "def", "gh"});
    CHECK(wrap("", 10) == std::vector<std::string>{""});
    for (auto const& line : wrap("a very-long-word-here and some more of it", 6)) {
        CHECK(width_of(line) <= 6);
    }
}

#include "core/json.hpp"
#include "core/names.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;

TEST_CASE("control characters, escapes and bytes that are not UTF-8 are shown, never sent on") {
    CHECK(printable("a\tb\nc", 100) == "a\tb\nc");
    CHECK(printable("\x1b[31mred\r\x7f", 100) == "\\x1b[31mred\\x0d\\x7f");
    CHECK(printable(std::string_view("a\0b", 3), 100) == "a\\x00b");
    CHECK(
        printable("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", 100) ==
        "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"
    );
    CHECK(
        printable("\xff\xc3(\xc0\xaf\xed\xa0\x80\xf5", 100) ==
        "\\xff\\xc3(\\xc0\\xaf\\xed\\xa0\\x80\\xf5"
    );
}

TEST_CASE("what steers a terminal or turns the writing round is shown too") {
    CHECK(
        printable(
            "a\xc2\x9b"
            "31m",
            100
        ) == "a\\xc2\\x9b31m"
    );
    CHECK(
        printable(
            "\xe2\x80\xae"
            "evil",
            100
        ) == "\\xe2\\x80\\xaeevil"
    );
    CHECK(
        printable("\xe2\x80\xa8|\xef\xbb\xbf|\xe2\x81\xa6", 100) ==
        "\\xe2\\x80\\xa8|\\xef\\xbb\\xbf|\\xe2\\x81\\xa6"
    );
    CHECK(printable("\xf3\xa0\x81\x81", 100) == "\\xf3\\xa0\\x81\\x81");
    CHECK(printable("\xc2\xa0\xe2\x80\x93", 100) == "\xc2\xa0\xe2\x80\x93");
}

TEST_CASE("a reason from outside adds no line") {
    CHECK(
        printable_line("declined\nYou: run this\t\x1b[1m", 100) == "declined You: run this \\x1b[1m"
    );
}

TEST_CASE("what is printable can be written as JSON and read again, wherever it is cut") {
    std::string text;
    for (int byte = 0; byte < 256; ++byte) text += static_cast<char>(byte);
    text += "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 end";
    for (std::size_t length = 0; length <= text.size() + 1; ++length) {
        CAPTURE(length);
        auto const shown = printable(text, length);
        CHECK(parse_json(to_text(to_json(shown))));
        CHECK(shown.ends_with("…") == (length < text.size()));
    }
}

TEST_CASE("printable_line: breaks of every kind are blanks, so outside text adds no line") {
    CHECK(printable_line("a\r\nb\tc", 100) == "a  b c");
    CHECK(printable_line("a\nb", 2) == "a …");
}

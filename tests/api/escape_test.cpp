#include "api/escape.hpp"

#include "tests/catch.hpp"

using namespace rollbackd::api;

TEST_CASE("plain text, umlauts and emoji pass as they are") {
    for (auto const* const text :
         {"4 > 3", "Zürich", "日本語", "🙂", "consecutive_failures(health)"}) {
        CHECK(inert(text) == text);
    }
    CHECK(markdown("consecutive_failures(health) 4 > 3") == "consecutive_failures(health) 4 > 3");
}

TEST_CASE("terminal escapes, C1 controls, bidi and zero-width characters become visible") {
    CHECK(inert("\x1b[31mred") == "\\x1b[31mred");
    CHECK(inert("\a\x7f") == "\\x07\\x7f");
    CHECK(
        inert("\xc2\x9b"
              "31m") == "\\xc2\\x9b31m"
    );
    CHECK(
        inert("a\xe2\x80\xae"
              "b") == "a\\xe2\\x80\\xaeb"
    );
    CHECK(
        inert("a\xe2\x80\x8b"
              "b") == "a\\xe2\\x80\\x8bb"
    );
    CHECK(inert(std::string_view("a\0b", 3)) == "a\\x00b");
}

TEST_CASE("bytes that are no UTF-8 become visible") {
    CHECK(inert("\xff") == "\\xff");
    CHECK(inert("\xc0\xaf") == "\\xc0\\xaf");
    CHECK(inert("\xed\xa0\x80") == "\\xed\\xa0\\x80");
    CHECK(inert("\xe2\x82") == "\\xe2\\x82");
}

TEST_CASE("lines become one line, and long text is cut between characters") {
    CHECK(inert("a\r\nb\tc") == "a  b c");
    CHECK(inert("abcdef", 3) == "abc…");
    CHECK(inert("abü", 3) == "ab…");
}

TEST_CASE("markup and HTML do nothing in Markdown") {
    CHECK(markdown("<script>alert(1)</script>") == "&lt;script>alert(1)&lt;/script>");
    CHECK(markdown("[x](http://evil.example.com)") == "\\[x\\](http://evil.example.com)");
    CHECK(markdown("![x](y)") == "!\\[x\\](y)");
    CHECK(
        markdown("**bold** _em_ `code` ~~no~~ a|b") ==
        "\\*\\*bold\\*\\* \\_em\\_ \\`code\\` \\~\\~no\\~\\~ a\\|b"
    );
    CHECK(markdown("&lt;") == "&amp;lt;");
    CHECK(markdown("\\*") == "\\\\\\*");
}

TEST_CASE("text at the start of a line opens no heading, list, quote or rule") {
    CHECK(markdown("# heading") == "\\# heading");
    CHECK(markdown("- item") == "\\- item");
    CHECK(markdown("  > quote") == "\\> quote");
    CHECK(markdown("12. item") == "12\\. item");
    CHECK(markdown("1) item") == "1\\) item");
    CHECK(markdown("1.2 s after it") == "1.2 s after it");
    CHECK(markdown("=====") == "\\=====");
    CHECK(markdown("v1.2") == "v1.2");
    CHECK(markdown("a\n# b") == "a # b");
}

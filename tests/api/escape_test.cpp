#include "api/escape.hpp"

#include "tests/catch.hpp"

using namespace rollbackd::api;

TEST_CASE("plain text, umlauts and emoji pass as they are") {
    for (auto const* const text :
         {"4 > 3", "Zürich", "日本語", "🙂", "consecutive_failures(health)"}) {
        CHECK(markdown(text) == text);
    }
    CHECK(markdown("consecutive_failures(health) 4 > 3") == "consecutive_failures(health) 4 > 3");
}

TEST_CASE("what acts on a terminal becomes visible, on one line, cut between characters") {
    CHECK(markdown("\x1b[31mred") == "\\\\x1b\\[31mred");
    CHECK(markdown("\xff") == "\\\\xff");
    CHECK(markdown("a\r\nb\tc") == "a  b c");
    CHECK(markdown("abcdef", 3) == "abc…");
    CHECK(markdown("abü", 3) == "ab…");
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

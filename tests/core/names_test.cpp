#include "core/names.hpp"

#include "tests/catch.hpp"

using namespace rollbackd;

TEST_CASE("a word of a command is quoted only where a shell would read it otherwise") {
    CHECK(shell_word("v1.2-rc/3") == "v1.2-rc/3");
    CHECK(shell_word("it's; rm -rf /") == "'it'\\''s; rm -rf /'");
    CHECK(shell_word("") == "''");
}

TEST_CASE("a full hash is shown in short, and everything else as it is") {
    std::string const sha1 = "0123456789abcdef0123456789abcdef01234567";
    std::vector<std::string> const alone{sha1};
    ShortHashes const shorten(alone);
    CHECK(shorten("rolled back to " + sha1 + ".") == "rolled back to 0123456789ab.");
    CHECK(shorten("image@sha256:" + std::string(64, 'A')) == "image@sha256:AAAAAAAAAAAA");
    for (std::string const kept :
         {"", "v1.2.3", "0123456789abcdef", "x0123456789abcdef0123456789abcdef01234567",
          "0123456789abcdef0123456789abcdef0123456g"}) {
        CHECK(shorten(kept) == kept);
    }
}

TEST_CASE("two versions never look alike in short") {
    std::string const a = "0123456789abcdef0123456789abcdef01234567";
    std::string const b = "0123456789abcde00123456789abcdef01234567";
    std::string const word = "0123456789abcdef0";  // a version of that name
    std::vector<std::string> const two{a, b};
    CHECK(ShortHashes(two)(a + " " + b) == "0123456789abcdef 0123456789abcde0");
    std::vector<std::string> const named{"from " + a + " to " + word};
    CHECK(ShortHashes(named)(a) == "0123456789abcdef01");
    CHECK(ShortHashes(named)(word) == word);
}

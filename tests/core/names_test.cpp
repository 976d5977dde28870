#include "core/names.hpp"

#include "tests/catch.hpp"

using namespace rollbackd;

TEST_CASE("a word of a command is quoted only where a shell would read it otherwise") {
    CHECK(shell_word("v1.2-rc/3") == "v1.2-rc/3");
    CHECK(shell_word("it's; rm -rf /") == "'it'\\''s; rm -rf /'");
    CHECK(shell_word("") == "''");
}

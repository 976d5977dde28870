#include "daemon/journald.hpp"

#include "tests/catch.hpp"

#include <sys/stat.h>
#include <unistd.h>

using namespace rollbackd;

TEST_CASE("an entry of the journal has a field for each key, and text with line feeds by its length"
) {
    auto const entry = journald_entry(
        6, "incident.opened incident=INC-1", "incident.opened",
        {{"incident", "INC-1"}, {"steps_left.x", "1"}, {"text", "a\nb"}}
    );
    std::string const length("\3\0\0\0\0\0\0\0", 8);
    CHECK(
        entry ==
        "MESSAGE=incident.opened incident=INC-1\nPRIORITY=6\nSYSLOG_IDENTIFIER=rollbackd\n"
        "ROLLBACKD_EVENT=incident.opened\nROLLBACKD_INCIDENT=INC-1\n"
        "ROLLBACKD_STEPS_LEFT_X=1\nROLLBACKD_TEXT\n" +
            length + "a\nb\n"
    );
}

TEST_CASE("stderr is the journal where JOURNAL_STREAM is its own file, not one that was inherited"
) {
    struct stat present{};
    REQUIRE(::fstat(STDERR_FILENO, &present) == 0);
    auto const own = std::to_string(present.st_dev) + ":" + std::to_string(present.st_ino);
    CHECK(is_journal(own.c_str(), STDERR_FILENO));
    CHECK(!is_journal("8:1", STDERR_FILENO));
    CHECK(!is_journal("", STDERR_FILENO));
    CHECK(!is_journal(nullptr, STDERR_FILENO));
}

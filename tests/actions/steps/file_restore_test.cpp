#include "actions/steps/runner.hpp"
#include "tests/actions/steps/support/hands.hpp"
#include "tests/catch.hpp"

#include <sys/stat.h>

using namespace rollbackd;
using namespace rollbackd::test;

namespace {

bool contains(std::string const& text, std::string const& part) {
    return text.find(part) != std::string::npos;
}

Step put(TempDir const& dir, std::string const& keep = {}) {
    auto made = step("file_restore", {{"file", dir.path(".env")}, {"from", dir.path("kept")}});
    if (!keep.empty()) made.params["keep"] = keep;
    made.idempotent = true;
    return made;
}

struct stat of(std::string const& path) {
    struct stat out{};
    REQUIRE(stat(path.c_str(), &out) == 0);
    return out;
}

}  // namespace

TEST_CASE("a whole file is put back, with the mode the file has, and what it was is kept") {
    TempDir dir;
    dir.write(".env", "A=new\n");
    dir.write("kept", "A=old\nB=2");
    REQUIRE(chmod(dir.path(".env").c_str(), 0640) == 0);
    Hands hands(dir.path("run"));
    auto const made = put(dir, dir.path("before"));
    CHECK_FALSE(hands.preflight(made));
    CHECK(hands.settle(made).kind == OutcomeKind::failed);
    CHECK(hands.run(made).kind == OutcomeKind::done);
    CHECK(dir.read(".env") == "A=old\nB=2");
    CHECK(dir.read("before") == "A=new\n");
    CHECK((of(dir.path(".env")).st_mode & 0777) == 0640);
    CHECK((of(dir.path("before")).st_mode & 0777) == 0640);
    CHECK(hands.settle(made).kind == OutcomeKind::done);
    CHECK(contains(hands.run(made, "r2").text, "already"));
    CHECK(dir.read("before") == "A=new\n");
}

TEST_CASE("a file that is gone comes back as the copy has it") {
    TempDir dir;
    dir.write("kept", "A=old\n");
    REQUIRE(chmod(dir.path("kept").c_str(), 0600) == 0);
    Hands hands(dir.path("run"));
    CHECK(hands.run(put(dir)).kind == OutcomeKind::done);
    CHECK(dir.read(".env") == "A=old\n");
    CHECK((of(dir.path(".env")).st_mode & 0777) == 0600);
}

TEST_CASE("a link stays one, and the file that it names is restored") {
    TempDir dir;
    dir.write("real", "A=new\n");
    dir.write("kept", "A=old\n");
    REQUIRE(symlink("real", dir.path(".env").c_str()) == 0);
    Hands hands(dir.path("run"));
    CHECK(hands.run(put(dir)).kind == OutcomeKind::done);
    CHECK(dir.read("real") == "A=old\n");
    struct stat link{};
    REQUIRE(lstat(dir.path(".env").c_str(), &link) == 0);
    CHECK(S_ISLNK(link.st_mode));
}

TEST_CASE("without a copy, with an empty one, or over another kept file nothing is touched") {
    TempDir dir;
    dir.write(".env", "A=new\n");
    Hands hands(dir.path("run"));
    auto const refused = [&](Step const& made, std::string const& why) {
        auto const objection = hands.preflight(made);
        REQUIRE(objection);
        CHECK(contains(*objection, why));
        static int runs = 0;
        CHECK(hands.run(made, "r" + std::to_string(++runs)).kind == OutcomeKind::failed);
        CHECK(dir.read(".env") == "A=new\n");
    };
    refused(put(dir), "no file that");
    dir.write("kept", "");
    refused(put(dir), "is empty");
    dir.write("kept", "A=old\n");
    dir.write("before", "another");
    refused(put(dir, dir.path("before")), "is there already, and is another");
    refused(put(dir, dir.path("no/where")), "no folder that");
    CHECK(dir.read("before") == "another");
}

TEST_CASE("a dry run of file_restore says which file goes where") {
    TempDir dir;
    Hands hands(dir.path("run"));
    auto const made =
        step("file_restore", {{"file", "/srv/.env"}, {"from", "/b/v1"}, {"keep", "/b/x"}});
    CHECK(
        hands.runner().dry_run(made) ==
        "keep /srv/.env as /b/x, and put /b/v1 in the place of /srv/.env"
    );
}

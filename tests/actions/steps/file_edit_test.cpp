#include "tests/actions/steps/support/hands.hpp"
#include "tests/catch.hpp"

#include <unistd.h>

#include <filesystem>

using namespace rollbackd;
using namespace rollbackd::test;

namespace {

Step set_key(std::string const& file, std::string const& key, std::string const& value) {
    auto made = step("file_edit", JsonObject{{"file", file}, {"key", key}, {"value", value}});
    made.idempotent = true;
    return made;
}

}  // namespace

TEST_CASE("file_edit sets a key, keeps mode and comments, and settles by reading") {
    TempDir dir;
    Hands hands(dir.path("run"));
    dir.write("env", "# shop\nA=1\nPAYMENTS=true # on\n");
    sh("chmod 640 env", dir.path());
    auto const made = set_key(dir.path("env"), "PAYMENTS", "false");
    CHECK_FALSE(hands.preflight(made));
    CHECK(hands.settle(made).kind == OutcomeKind::failed);
    auto const outcome = hands.run(made, "r1");
    INFO(outcome.text);
    CHECK(outcome.kind == OutcomeKind::done);
    CHECK(dir.read("env") == "# shop\nA=1\nPAYMENTS=false # on\n");
    CHECK(sh("stat -c %a env", dir.path()) == "640");
    CHECK(sh("ls -A", dir.path()) == "env\nrun");
    CHECK(hands.settle(made).kind == OutcomeKind::done);
    auto const inode = sh("stat -c %i env", dir.path());
    CHECK(hands.run(made, "r2").kind == OutcomeKind::done);
    CHECK(sh("stat -c %i env", dir.path()) == inode);
}

TEST_CASE("file_edit keeps another user's ownership, and follows a link to the file it names") {
    if (geteuid() != 0) {
        WARN("SKIPPED_BECAUSE only root can make another user's file");
        return;
    }
    TempDir dir;
    Hands hands(dir.path("run"));
    dir.write("env", "A=1\n");
    sh("chown nobody:nogroup env && ln -s env link", dir.path());
    CHECK(hands.run(set_key(dir.path("link"), "A", "2")).kind == OutcomeKind::done);
    CHECK(dir.read("env") == "A=2\n");
    CHECK(sh("stat -c %U:%G env", dir.path()) == "nobody:nogroup");
    CHECK(std::filesystem::is_symlink(dir.path("link")));
}

TEST_CASE("file_edit replaces one line, and refuses an ambiguous or missing one") {
    TempDir dir;
    Hands hands(dir.path("run"));
    dir.write("conf", "root /a;\nlisten 80;\nlisten 443;\n");
    auto made = step(
        "file_edit",
        JsonObject{
            {"file", dir.path("conf")}, {"line", "root"}, {"match", "prefix"}, {"value", "root /b;"}
        }
    );
    CHECK(hands.run(made, "r1").kind == OutcomeKind::done);
    made.params["line"] = "listen";
    CHECK(hands.run(made, "r2").kind == OutcomeKind::failed);
    made.params["match"] = "exact";
    made.params["line"] = "server";
    made.params["value"] = "x";
    CHECK(hands.run(made, "r3").kind == OutcomeKind::failed);
    CHECK(dir.read("conf") == "root /b;\nlisten 80;\nlisten 443;\n");
}

TEST_CASE("file_edit of a file that is missing, a folder or too large is failed") {
    TempDir dir;
    Hands hands(dir.path("run"));
    CHECK(hands.run(set_key(dir.path("none"), "A", "1"), "r1").kind == OutcomeKind::failed);
    CHECK(hands.run(set_key(dir.path(), "A", "1"), "r2").kind == OutcomeKind::failed);
    dir.write("big", std::string(1'100'000, 'x'));
    auto const outcome = hands.run(set_key(dir.path("big"), "A", "1"), "r3");
    CHECK(outcome.kind == OutcomeKind::failed);
    CHECK(outcome.text.find("larger than") != std::string::npos);
    CHECK(hands.preflight(set_key(dir.path("none"), "A", "1")));
}

TEST_CASE("a value with shell syntax is written as it is, and the file's content is never shown") {
    TempDir dir;
    Hands hands(dir.path("run"));
    dir.write("env", "PASSWORD=topsecret\nA=1\n");
    auto const outcome = hands.run(set_key(dir.path("env"), "A", "$(touch /tmp/x) `id` 'q'"));
    CHECK(outcome.kind == OutcomeKind::done);
    CHECK(dir.read("env") == "PASSWORD=topsecret\nA=\"\\$(touch /tmp/x) \\`id\\` 'q'\"\n");
    CHECK(outcome.text.find("topsecret") == std::string::npos);
    CHECK(sh("grep -r topsecret run || true", dir.path()).empty());
}

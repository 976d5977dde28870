// A new secret in an env file: written once, never half, and shown to nobody.
#include "core/io/file.hpp"
#include "tests/actions/steps/support/hands.hpp"
#include "tests/catch.hpp"

#include <sys/stat.h>

#include <filesystem>

using namespace rollbackd;
using namespace rollbackd::test;

namespace {

constexpr char const* before =
    "# keep me\nPORT=80\nexport JWT_SECRET=\"old old\" # rotated in May\nMORE=1\n";

struct Place {
    TempDir dir;
    std::string file = dir.path("env");

    explicit Place(std::string const& text = before) { REQUIRE(write_file_atomically(file, text)); }
    std::string text() const { return *read_file(file, 1024 * 1024); }
    Step step(JsonObject more = {}) const {
        more["file"] = to_json(file);
        if (!more.contains("key")) more["key"] = "JWT_SECRET";
        auto made = test::step("rotate", std::move(more));
        made.timeout = std::chrono::seconds(20);
        return made;
    }
    std::string value() const {
        auto const all = text();
        auto const begin = all.find("JWT_SECRET=\"") + 12;
        return all.substr(begin, all.find('"', begin) - begin);
    }
};

}  // namespace

TEST_CASE("a secret is new each time, and everything around it stays") {
    Place place;
    REQUIRE(::chmod(place.file.c_str(), 0640) == 0);
    Hands hands(place.dir.path("run"));
    auto const outcome = hands.run(place.step());
    REQUIRE(outcome.kind == OutcomeKind::done);
    auto const first = place.value();
    CHECK(first.size() == 64);
    CHECK(first.find_first_not_of("0123456789abcdef") == std::string::npos);
    CHECK(
        place.text() ==
        "# keep me\nPORT=80\nexport JWT_SECRET=\"" + first + "\" # rotated in May\nMORE=1\n"
    );
    struct stat found{};
    REQUIRE(::stat(place.file.c_str(), &found) == 0);
    CHECK((found.st_mode & 0777U) == 0640);
    CHECK(outcome.text.find("holds a new secret of 32 random bytes") != std::string::npos);
    CHECK(outcome.text.find(first) == std::string::npos);
    CHECK(outcome.saved.empty());
    CHECK(hands.run(place.step(), "r2").kind == OutcomeKind::done);
    CHECK(place.value() != first);
}

TEST_CASE("a secret is written as its reader wants it") {
    Place place;
    Hands hands(place.dir.path("run"));
    REQUIRE(
        hands.run(place.step({{"bytes", 48}, {"encoding", "base64"}})).kind == OutcomeKind::done
    );
    CHECK(place.value().size() == 64);
    REQUIRE(
        hands.run(place.step({{"bytes", 32}, {"encoding", "base64url"}}), "r2").kind ==
        OutcomeKind::done
    );
    CHECK(place.value().size() == 43);
    CHECK(place.value().find_first_of("+/=") == std::string::npos);
}

TEST_CASE("a key that is not there is appended") {
    Place place("A=1\n");
    Hands hands(place.dir.path("run"));
    REQUIRE(hands.run(place.step({{"key", "B"}})).kind == OutcomeKind::done);
    CHECK(place.text().starts_with("A=1\nB="));
    CHECK(place.text().size() == 4 + 2 + 64 + 1);
}

TEST_CASE("where the key cannot be set, no secret is made and that is known before") {
    Place place("JWT_SECRET='two\nlines'\n");
    Hands hands(place.dir.path("run"));
    CHECK(hands.preflight(place.step())->find("spans several lines") != std::string::npos);
    CHECK(hands.run(place.step()).kind == OutcomeKind::failed);
    CHECK(place.text() == "JWT_SECRET='two\nlines'\n");
    std::filesystem::remove(place.file);
    CHECK(hands.preflight(place.step())->find("no such file") != std::string::npos);
}

TEST_CASE("another life of the daemon finds the secret that was made, and makes no other") {
    Place place;
    Hands first(place.dir.path("run"));
    REQUIRE(first.run(place.step()).kind == OutcomeKind::done);
    auto const written = place.text();
    CHECK(first.run(place.step()).kind == OutcomeKind::done);
    CHECK(place.text() == written);
}

TEST_CASE("whether it was written is told by the secret itself") {
    Place place;
    Hands hands(place.dir.path("run"));
    CHECK(hands.settle(place.step()).kind == OutcomeKind::unknown);
    REQUIRE(hands.run(place.step()).kind == OutcomeKind::done);
    auto const settled = hands.settle(place.step());
    CHECK(settled.kind == OutcomeKind::done);
    CHECK(settled.text.find(place.value()) == std::string::npos);
    REQUIRE(write_file_atomically(place.file, before));
    CHECK(hands.settle(place.step()).kind == OutcomeKind::failed);
}

TEST_CASE("one that was begun and made no secret has changed nothing") {
    Place place;
    Hands hands(place.dir.path("run"));
    std::filesystem::create_directories(place.dir.path("run") + "/r1.1.1");
    CHECK(hands.settle(place.step()).kind == OutcomeKind::failed);
}

TEST_CASE("what it would do is said without a secret") {
    Place place;
    Hands hands(place.dir.path("run"));
    auto const said = hands.runner().dry_run(place.step());
    CHECK(
        said ==
        "write a new random secret as JWT_SECRET into " + place.file + "; nobody is shown it"
    );
    CHECK(place.text() == before);
}

// Which images may go: never one in use, named to be kept, young, or of the newest of its name.
#include "actions/steps/image_choice.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;

namespace {

using Words = std::vector<std::string>;

constexpr char const* listing =
    "now 1795348800\n"  // 2026-11-22T12:00:00Z
    "used sha256:inuse\n"
    "image sha256:inuse 100 \"2025-01-01T00:00:00.5Z\" shop:v1\n"
    "image sha256:v2 100 \"2026-01-02T00:00:00Z\" shop:v2\n"
    "image sha256:v3 100 \"2026-01-03T00:00:00Z\" shop:v3\n"
    "image sha256:v4 100 \"2026-01-04T00:00:00Z\" shop:v4 registry.example.com:5000/shop:v4\n"
    "image sha256:v5 100 \"2026-11-22T11:00:00Z\" shop:v5\n"
    "image sha256:lost 40 \"2026-01-05T00:00:00Z\"\n"
    "image sha256:fresh 40 \"2026-11-22T11:59:00Z\"\n";

ImageRule rule(bool tagged, std::size_t newest, Words keep = {}) {
    return {tagged, 24 * 3600, newest, std::move(keep)};
}

Words gone(ImageRule const& rule, std::string const& text = listing) {
    auto const choice = choose_images(text, rule);
    return choice ? choice->gone : Words{choice.error().what};
}

}  // namespace

TEST_CASE("only an image that lost its name goes where nothing more is asked for") {
    CHECK(gone(rule(false, 1)) == Words{"sha256:lost"});
}

TEST_CASE("of named ones the newest of each name stay, and those in use") {
    CHECK(gone(rule(true, 3)) == Words{"shop:v2", "sha256:lost"});
    // v4 is the newest of the registry's name.
    CHECK(gone(rule(true, 1)) == Words{"shop:v2", "shop:v3", "sha256:lost"});
}

TEST_CASE("what is named to be kept stays, by name, beginning, repository or id") {
    CHECK(gone(rule(true, 1, {"shop:v2"})) == Words{"shop:v3", "sha256:lost"});
    CHECK(gone(rule(true, 1, {"shop:*"})) == Words{"sha256:lost"});
    CHECK(gone(rule(true, 1, {"shop"})) == Words{"sha256:lost"});
    CHECK(gone(rule(true, 1, {"shop:v2", "shop:v3", "lost"})).empty());
}

TEST_CASE("a time that is not in UTC, or none at all, is taken for the younger one") {
    std::string const text =
        "now 1795348800\n"
        "image sha256:a 1 \"2026-11-21T08:00:00+14:00\"\n"
        "image sha256:b 1 \"0001-01-01T00:00:00Z\"\n";
    CHECK(gone(rule(false, 1), text) == Words{"sha256:b"});
}

TEST_CASE("a list that cannot be read whole lets nothing go") {
    for (std::string const text :
         {"", "now\n", "image sha256:a 1 \"2026-01-01T00:00:00Z\"\n", "now 1795348800\nimage x\n",
          "now 1795348800\nimage sha256:a 1 \"2026-01-01T00:00:00Z\" sho",
          "now 1\nsomething else\n",
          "now 1795348800\nimage sha256:a -1 \"2026-01-01T00:00:00Z\"\n"}) {
        INFO(text);
        CHECK_FALSE(choose_images(text, rule(true, 1)));
    }
}

// archive_create and archive_restore with the real tar.
#include "actions/steps/runner.hpp"
#include "tests/actions/steps/support/hands.hpp"
#include "tests/catch.hpp"

#include <filesystem>

using namespace rollbackd;
using namespace rollbackd::test;
namespace fs = std::filesystem;

namespace {

bool contains(std::string const& text, std::string const& part) {
    return text.find(part) != std::string::npos;
}

/// An application, a folder for archives, and hands.
struct Place {
    Place() : hands(dir.path("run")) {
        sh("mkdir app archives app/lib; echo 1 >app/package.json; echo secret >app/.env; echo l "
           ">app/lib/l",
           dir.path());
    }
    std::vector<std::string> archives() const {
        std::vector<std::string> names;
        for (auto const& entry : fs::directory_iterator(dir.path("archives"))) {
            names.push_back(entry.path().filename());
        }
        return names;
    }
    Step create() const {
        auto made = step(
            "archive_create",
            {{"folder", dir.path("app")}, {"into", dir.path("archives")}, {"name", "shop_code"}}
        );
        made.idempotent = true;
        return made;
    }
    Step restore(JsonObject params) const {
        params["to"] = dir.path("app");
        params["strip"] = params.contains("strip") ? params["strip"] : Json(0);
        params["tries"] = 3;
        return step("archive_restore", std::move(params));
    }
    Step by_rule() const {
        return restore(
            {{"folder", dir.path("archives")}, {"name", "shop"}, {"before", "2026-11-22T12:00:00Z"}}
        );
    }
    /// An archive of the folder as it is now, under a name of its own.
    void keep(std::string const& name) const {
        sh("tar -C app -czf archives/" + name + " .", dir.path());
    }

    TempDir dir;
    Hands hands;
};

}  // namespace

TEST_CASE("an archive is whole, named by its time, and leaves out what it is told to") {
    Place place;
    auto made = place.create();
    made.params["label"] = "pre_v7";
    made.params["exclude"] = JsonArray{"./.env"};
    made.save = "archive";
    CHECK_FALSE(place.hands.preflight(made));
    auto const outcome = place.hands.run(made);
    CHECK(outcome.kind == OutcomeKind::done);
    auto const names = place.archives();
    REQUIRE(names.size() == 1);
    CHECK(names[0].starts_with("shop_code_pre_v7_20"));
    CHECK(outcome.saved == place.dir.path("archives/" + names[0]));
    auto const listed = sh("tar -tzf " + outcome.saved + " | sort | tr '\\n' ' '");
    CHECK(listed == "./ ./lib/ ./lib/l ./package.json ");
}

TEST_CASE("without room, a folder or a name for it no archive is made") {
    Place place;
    auto made = place.create();
    made.params["keep_free"] = 1'000'000'000'000'000;
    CHECK(contains(place.hands.preflight(made).value_or(""), "must be left"));
    CHECK(place.hands.run(made).kind == OutcomeKind::failed);
    made = place.create();
    made.params["folder"] = place.dir.path("nothing");
    CHECK(contains(place.hands.preflight(made).value_or(""), "no folder that"));
    made = place.create();
    made.params["name"] = "../shop";
    CHECK(contains(place.hands.preflight(made).value_or(""), "cannot be part of a file name"));
    CHECK(place.archives().empty());
}

TEST_CASE("a folder is as the archive has it, and what it was stays beside") {
    Place place;
    place.keep("shop_20260101_020000.tar.gz");
    sh("echo 2 >app/package.json; echo bad >app/only-bad; echo now >app/.env", place.dir.path());
    auto made = place.restore({{"file", place.dir.path("archives/shop_20260101_020000.tar.gz")}});
    made.params["carry"] = JsonArray{".env", "uploads"};
    made.params["verify"] = JsonArray{"package.json"};
    CHECK_FALSE(place.hands.preflight(made));
    CHECK(place.hands.settle(made).kind == OutcomeKind::failed);
    auto const outcome = place.hands.run(made);
    INFO(outcome.text);
    CHECK(outcome.kind == OutcomeKind::done);
    CHECK(place.dir.read("app/package.json") == "1\n");
    CHECK(place.dir.read("app/.env") == "now\n");
    CHECK_FALSE(place.dir.has("app/only-bad"));
    CHECK(place.dir.read("app.before_r1_1/package.json") == "2\n");
    CHECK(place.hands.settle(made).kind == OutcomeKind::done);
}

TEST_CASE("a broken archive harms nothing, and the next older one is taken") {
    Place place;
    place.keep("shop_20260101_020000.tar.gz");
    sh("echo 2 >app/package.json", place.dir.path());
    place.keep("shop_20260102_020000.tar.gz");
    sh("head -c 90 archives/shop_20260102_020000.tar.gz >archives/cut; "
       "mv archives/cut archives/shop_20260102_020000.tar.gz",
       place.dir.path());
    place.keep("shop_emergency_20260103_020000.tar.gz");
    auto const outcome = place.hands.run(place.by_rule());
    INFO(outcome.text);
    CHECK(outcome.kind == OutcomeKind::done);
    CHECK(contains(outcome.text, "shop_20260102_020000.tar.gz: it cannot be unpacked"));
    CHECK(place.dir.read("app/package.json") == "1\n");
}

TEST_CASE("where no archive can be used the folder is as it was") {
    Place place;
    place.keep("shop_20260101_020000.tar.gz");
    auto made = place.by_rule();
    made.params["verify"] = JsonArray{"dist/main.js"};
    auto const outcome = place.hands.run(made);
    CHECK(outcome.kind == OutcomeKind::failed);
    CHECK(contains(outcome.text, "it has no dist/main.js; what is there is as it was"));
    CHECK(place.dir.read("app/.env") == "secret\n");
    CHECK_FALSE(place.dir.has("app.new_r1_1"));
    sh("rm archives/*", place.dir.path());
    CHECK(contains(place.hands.preflight(made).value_or(""), "there is none"));
}

TEST_CASE("a swap cut off between its two renames is ended, not given up") {
    Place place;
    place.keep("shop_20260101_020000.tar.gz");
    auto const made =
        place.restore({{"file", place.dir.path("archives/shop_20260101_020000.tar.gz")}});
    sh("cp -a app app.new_r1_1; echo 2 >app/package.json; mv app app.before_r1_1",
       place.dir.path());
    CHECK(place.hands.settle(made).kind == OutcomeKind::done);
    CHECK(place.dir.read("app/package.json") == "1\n");
}

TEST_CASE("nothing outside the folder is carried into it, and no link is replaced") {
    Place place;
    place.keep("shop_20260101_020000.tar.gz");
    auto made = place.restore({{"file", place.dir.path("archives/shop_20260101_020000.tar.gz")}});
    made.params["carry"] = JsonArray{"../archives"};
    CHECK(contains(place.hands.run(made).text, "not a path inside the folder"));
    CHECK(place.dir.read("app/.env") == "secret\n");
    sh("mv app real; ln -s real app", place.dir.path());
    CHECK(contains(place.hands.preflight(made).value_or(""), "a link"));
}

// What every step type promises by its descriptor, and what the new ones refuse when they are read.
#include "actions/steps/descriptor.hpp"
#include "actions/steps/registry.hpp"
#include "tests/actions/steps/support/hands.hpp"
#include "tests/catch.hpp"

#include <algorithm>

using namespace rollbackd;
using namespace rollbackd::test;

namespace {

TypeInfo info_of(std::string const& name) {
    for (auto& info : step_catalogue()) {
        if (info.name == name) return info;
    }
    FAIL("no step type " + name);
    return {};
}

std::string refused(std::string const& type, JsonObject const& params) {
    auto const found = info_of(type).problems(params);
    return found.empty() ? "" : found[0].where;
}

std::string dry(std::string const& type, JsonObject const& params) {
    TempDir dir;
    Hands hands(dir.path("run"));
    return hands.runner().dry_run(step(type, params));
}

}  // namespace

TEST_CASE("a type that this version has is none of a later one") {
    auto const later = later_step_types();
    for (auto const& info : step_catalogue()) {
        INFO(info.name);
        CHECK(std::count(later.begin(), later.end(), info.name) == 0);
        CHECK_FALSE(info.doc.empty());
        for (auto const& field : info.fields) CHECK_FALSE(field.doc.empty());
    }
}

TEST_CASE("what can be started in another life can say what it would do") {
    for (auto const& info : step_catalogue()) {
        INFO(info.name);
        auto const* const type = find_step_type(info.name);
        REQUIRE(type != nullptr);
        CHECK(type->dry_run != nullptr);
        if (info.destructive) CHECK(type->settle != nullptr);
    }
}

TEST_CASE("only what destroys something asks first") {
    CHECK(info_of("pg_restore").destructive);
    CHECK_FALSE(info_of("pg_backup").destructive);
    CHECK_FALSE(info_of("archive_restore").destructive);
    auto const destroys = [](char const* type, JsonObject const& params) {
        return info_of(type).destroys(params);
    };
    CHECK(destroys("sql", {{"query", "DELETE FROM users"}}));
    CHECK_FALSE(destroys("sql", {{"query", "UPDATE users SET a = 1"}}));
    CHECK(destroys("compose", {{"do", "down"}, {"volumes", true}}));
    CHECK_FALSE(destroys("compose", {{"do", "down"}, {"volumes", false}}));
    CHECK(destroys("redis", {{"do", "delete"}}));
    CHECK_FALSE(destroys("redis", {{"do", "set"}}));
    CHECK(destroys("migrate", {{"do", "down"}}));
    CHECK_FALSE(destroys("migrate", {{"do", "up"}}));
    CHECK(info_of("backup_prune").destructive);
    JsonObject const log{{"files", JsonArray{"/l"}}, {"keep", "/k"}};
    CHECK_FALSE(destroys("truncate", log));
    CHECK(destroys("truncate", {{"files", JsonArray{"/l"}}}));
    CHECK(destroys("truncate", {{"files", JsonArray{"/l"}}, {"keep", "/k"}, {"tail", 10}}));
    for (auto const* const type : {"firewall", "copy", "prune", "certbot"}) {
        INFO(type);
        CHECK_FALSE(info_of(type).destructive);
        CHECK(info_of(type).destroys == nullptr);
    }
}

TEST_CASE("a certificate fetched alone needs to know how the web server makes way") {
    JsonObject params{{"do", "standalone"}, {"cert_name", "a.example.com"}};
    CHECK(refused("certbot", params) == "stop");
    params["stop"] = JsonArray{"stop"};
    CHECK(refused("certbot", params) == "start");
    params["start"] = JsonArray{"start"};
    CHECK(refused("certbot", params) == "domains");
    params["domains"] = JsonArray{"a.example.com"};
    CHECK(refused("certbot", params).empty());
    params["do"] = "renew";
    CHECK(refused("certbot", params) == "stop");
}

TEST_CASE("a copy onto itself or into a nameless file is refused") {
    CHECK(refused("copy", {{"file", "/a"}, {"to", "/b"}}).empty());
    CHECK(refused("copy", {{"file", "/a"}, {"to", "/a"}}) == "to");
    CHECK(refused("copy", {{"file", "/a"}, {"to", "/a"}, {"at", "web1"}}).empty());
    CHECK(refused("copy", {{"file", "/a"}, {"to", "/b/"}}) == "to");
}

TEST_CASE("a step that makes room says what it spares") {
    auto const text =
        dry("backup_prune", {{"folder", "/b"},
                             {"name", "shop"},
                             {"keep_newest", 7},
                             {"older_than", std::int64_t(3600) * 24 * 1'000'000'000}});
    CHECK(text.find("older than 24h, but never the newest 7") != std::string::npos);
    CHECK(refused("truncate", {{"files", JsonArray{}}}) == "files");
    CHECK(refused("truncate", {{"files", JsonArray{"log"}}}) == "files");
    CHECK(refused("truncate", {{"files", JsonArray{"/log"}}, {"tail", 5}}) == "tail");
}

TEST_CASE("a restore by rule needs to know which and from before when") {
    CHECK(refused("pg_restore", {{"file", "/b/x"}}).empty());
    CHECK(refused("pg_restore", {{"folder", "/b"}}) == "name");
    CHECK(refused("pg_restore", {{"folder", "/b"}, {"name", "shop"}}) == "before");
    CHECK(refused("archive_restore", {{"file", "/b/x"}, {"before", "now"}}) == "before");
}

TEST_CASE("an option that its verb does not have is refused") {
    CHECK(refused("compose", {{"do", "restart"}, {"recreate", true}}) == "recreate");
    CHECK(refused("compose", {{"do", "restart"}, {"recreate", false}}).empty());
    CHECK(refused("compose", {{"do", "up"}, {"volumes", true}}) == "volumes");
    CHECK(refused("compose", {{"do", "run"}, {"services", {"a"}}}) == "argv");
    CHECK(refused("compose", {{"do", "scale"}, {"services", {"a"}}}) == "count");
    CHECK(refused("compose", {{"do", "scale"}, {"count", 1}}) == "services");
    CHECK(refused("compose", {{"do", "down"}, {"services", {"a"}}}) == "services");
    JsonObject const redis{{"address", "127.0.0.1:6379"}, {"do", "delete"}, {"key", "jobs"}};
    CHECK(refused("redis", redis) == "keep");
    CHECK(refused("redis", {{"address", "nowhere"}, {"do", "set"}}) == "address");
    CHECK(refused("migrate", {{"tool", "prisma"}, {"do", "down"}}) == "do");
    CHECK(refused("migrate", {{"tool", "alembic"}, {"do", "down"}, {"count", "1"}}).empty());
}

TEST_CASE("a dry run shows the very command line") {
    JsonObject const compose{
        {"do", "up"},
        {"services", {"api"}},
        {"recreate", true},
        {"cwd", "/srv/shop"},
        {"command", {"docker", "compose"}}
    };
    CHECK(dry("compose", compose) == "run docker compose up -d --force-recreate api in /srv/shop");
    JsonObject const scale{
        {"do", "scale"},
        {"services", {"api"}},
        {"count", 3},
        {"cwd", "/srv"},
        {"command", {"docker-compose"}}
    };
    CHECK(
        dry("compose", scale) == "run docker-compose up -d --no-recreate --scale api=3 api in /srv"
    );
    JsonObject const back{
        {"tool", "alembic"},
        {"do", "down"},
        {"count", "2"},
        {"cwd", "/srv"},
        {"prefix", {"docker-compose", "run", "--rm", "api"}}
    };
    CHECK(dry("migrate", back) == "run docker-compose run --rm api alembic downgrade -2 in /srv");
}

TEST_CASE("a dry run says what a backup, a restore and a switch would do") {
    CHECK(
        dry("pg_backup", {{"folder", "/b"},
                          {"database", "app"},
                          {"kind", "pre_deployment"},
                          {"label", "v7"},
                          {"format", "plain"}}) ==
        "dump app into /b/app_pre_v7_YYYYMMDD_HHMMSS.sql.gz, and read it through"
    );
    CHECK(
        dry("pg_restore", {{"folder", "/b"}, {"name", "app"}, {"before", "2026-11-22"}}) ==
        "restore the newest app… from before 2026-11-22 in /b into a new database, check it, and "
        "give it the name of the connection's database, which is kept under another; every "
        "connection is ended"
    );
    CHECK(
        dry("safe_mode", {{"do", "on"}, {"file", "/etc/nginx/m.inc"}}) ==
        "switch safe mode on: write /etc/nginx/m.inc, test nginx's configuration and reload it"
    );
    CHECK(
        dry("sql", {{"query", "SELECT 1"}, {"expect", {{"value_min", 1}}}}) ==
        "ask PostgreSQL: SELECT 1; expected: a value of at least 1"
    );
}

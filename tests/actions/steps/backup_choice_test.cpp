#include "actions/steps/backup_choice.hpp"

#include "tests/catch.hpp"

using namespace rollbackd;

namespace {

constexpr std::int64_t noon = 1795348800;  // 2026-11-22T12:00:00Z

BackupRule rule(std::string name = "shop") { return {std::move(name), {".dump", ".sql.gz"}, 3}; }

std::string listing(std::vector<std::string> const& names, std::string const& zone = "+0000") {
    std::string text = "zone " + zone + "\nbefore " + std::to_string(noon) + "\n";
    for (auto const& name : names) text += "100\t/backups/" + name + "\n";
    return text;
}

std::vector<std::string> chosen(
    std::vector<std::string> const& names, std::string const& zone = "+0000"
) {
    auto const files = choose_backups(listing(names, zone), rule());
    std::vector<std::string> out;
    if (!files) return {files.error().what};
    for (auto const& file : *files) out.push_back(file.path.substr(9));
    return out;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("the newest backup from before comes first, then older ones") {
    CHECK(
        chosen(
            {"shop_20261120_020000.sql.gz", "shop_prod_20261122_020000.dump",
             "2026-11/shop_20261121_0200.dump", "shop_20261119.dump", "shop_20261122_120000.dump"}
        ) ==
        Names{
            "shop_prod_20261122_020000.dump", "2026-11/shop_20261121_0200.dump",
            "shop_20261120_020000.sql.gz"
        }
    );
}

TEST_CASE("the dump of the damage is never the newest backup") {
    CHECK(
        chosen(
            {"shop_emergency_20261122_113000.dump", "shop_BROKEN_20261122_1140.dump",
             "shop_forensic-20261122_114500.dump", "shop_post_rollback_20261122_113100.dump",
             "shop_pre_v7_20261121_100000.dump"}
        ) == Names{"shop_pre_v7_20261121_100000.dump"}
    );
}

TEST_CASE("a service's own name may hold any word") {
    auto const files = choose_backups(listing({"rollback_20261121_100000.dump"}), rule("rollback"));
    REQUIRE(files);
    CHECK(files->size() == 1);
}

TEST_CASE("a day without an hour is taken to be over: it may be of after the damage") {
    CHECK(chosen({"shop_20261122.dump", "shop-2026-11-21.dump"}) == Names{"shop-2026-11-21.dump"});
}

TEST_CASE("a name's time is of the zone of the machine that holds it") {
    CHECK(chosen({"shop_20261122_130000.dump"}, "+0200").size() == 1);
    CHECK(chosen({"shop_20261122_130000.dump"}, "+0200")[0] == "shop_20261122_130000.dump");
    auto const refused = chosen({"shop_20261122_113000.dump"}, "-0100");
    CHECK(refused[0].find("1 made too late") != std::string::npos);
    CHECK(chosen({"shop_20261122T113000Z.dump"}, "-0100")[0] == "shop_20261122T113000Z.dump");
    CHECK(chosen({"shop_20261122T123000Z.dump"}, "+0200")[0].find("late") != std::string::npos);
}

TEST_CASE("a backup is of the second, the minute or the day that its name says") {
    using namespace std::chrono_literals;
    auto const of = [](std::string const& name) {
        auto const files = choose_backups(listing({name}, "+0100"), rule());
        REQUIRE(files);
        return time_of(files->front());
    };
    WallTime const ten(std::chrono::seconds(noon - 7200 - 24 * 3600));
    CHECK(of("shop_20261121_110000.dump") == BackupTime{ten, ten});
    CHECK(of("shop_20261121T100000Z.dump") == BackupTime{ten, ten});
    CHECK(of("shop_20261121_1100.dump") == BackupTime{ten, ten + 59s});
    CHECK(of("shop_20261121.dump") == BackupTime{ten - 11h, ten + 13h - 1s});
    CHECK(time_of("/backups/shop_20261121_110000.dump", "+0100") == BackupTime{ten, ten});
    CHECK_FALSE(time_of("/backups/latest.dump", "+0100"));
    CHECK_FALSE(time_of("/backups/shop_20261121_110000.dump", ""));
}

TEST_CASE("times are read in every way the runbooks write them") {
    auto const midnight = noon - 12 * 3600;
    CHECK(stamp_of("shop_20261122_213015.dump") == midnight + 21 * 3600 + 30 * 60 + 15);
    CHECK(stamp_of("shop_20261122_2130.sql") == midnight + 21 * 3600 + 30 * 60 + 59);
    CHECK(stamp_of("shop-2026-11-22T21-30-15Z.dump") == midnight + 21 * 3600 + 30 * 60 + 15);
    CHECK(stamp_of("shop_2026-11-22.dump") == midnight + 86399);
    CHECK(stamp_of("shop_pre_20250101_20261122_0000.dump") == midnight + 59);
}

TEST_CASE("what is no time is none") {
    for (auto const* const name :
         {"shop.dump", "shop_20261322_000000.dump", "shop_20260230.dump", "shop_2026112.dump",
          "shop_202611221.dump", "shop_20261122_256000.dump", "shop_2026-1122.dump"}) {
        INFO(name);
        CHECK_FALSE(stamp_of(name));
    }
}

TEST_CASE("no backup that fits is an error that says what there is") {
    CHECK(chosen({}) == Names{"no backup named shop… fits; there is none"});
    CHECK(
        chosen({"shopping_20261121_100000.dump", "shop_code_20261121_100000.tar.gz"}).size() == 1
    );
    CHECK(
        chosen({"shop.dump", "shop_20261123.dump", "shop_broken_20261101.dump"}) ==
        Names{"no backup named shop… fits; 1 made too late; 1 may hold the damage (emergency, "
              "broken, forensic, rollback); 1 without a time in the name"}
    );
    CHECK_FALSE(choose_backups("", rule()));
    CHECK_FALSE(choose_backups("zone +0000\nbefore soon\n", rule()));
}

TEST_CASE("an empty file is no backup") {
    auto const text =
        "zone +0000\nbefore " + std::to_string(noon) + "\n0\t/backups/shop_20261121_100000.dump\n";
    CHECK_FALSE(choose_backups(text, rule()));
}

namespace {

RetentionRule retention(bool emergency = false) {
    return {"/b", "shop", {".dump", ".sql.gz"}, 7 * 86400, emergency};
}

/// At noon of the 22nd, in UTC.
std::string stored(std::string const& files) { return "zone +0000\nbefore 1795348800\n" + files; }

std::vector<std::string> paths(std::vector<StoredBackup> const& backups) {
    std::vector<std::string> out;
    for (auto const& backup : backups) out.push_back(backup.path);
    return out;
}

using Paths = std::vector<std::string>;

}  // namespace

TEST_CASE("the newest that can be read stay whatever their age, and the old ones behind them go") {
    auto const sorted = sort_backups(
        stored("9\t/b/shop_20260101_0200.dump\n9\t/b/shop_20260102_0200.dump\n"
               "9\t/b/2026-01/shop_20260103_0200.dump\n9\t/b/shop_20261122_0200.dump\n"),
        retention()
    );
    REQUIRE(sorted);
    auto const& good = sorted->good[0];
    Paths const two{"/b/shop_20261122_0200.dump", "/b/2026-01/shop_20260103_0200.dump"};
    CHECK(
        paths(old_backups(good, two, 2, sorted->before)) ==
        Paths{"/b/shop_20260102_0200.dump", "/b/shop_20260101_0200.dump"}
    );
    // The third is broken: the fourth takes its place.
    Paths const other{"/b/shop_20261122_0200.dump", "/b/shop_20260102_0200.dump"};
    CHECK(
        paths(old_backups(good, other, 2, sorted->before)) == Paths{"/b/shop_20260101_0200.dump"}
    );
    CHECK(old_backups(good, {"/b/shop_20261122_0200.dump"}, 2, sorted->before).empty());
    CHECK(old_backups(good, {"/b/shop_20261122_0200.dump", "/etc/x"}, 2, sorted->before).empty());
    // None is old enough.
    CHECK(old_backups(good, two, 2, 0).empty());
}

TEST_CASE("an emergency dump never counts as good, and goes only where that is asked for") {
    auto const text = stored(
        "9\t/b/shop_emergency_20260101_0200.dump\n9\t/b/shop_emergency_20261122_0200.dump\n"
        "9\t/b/shop_20260101_0300.sql.gz\n"
    );
    auto const kept = sort_backups(text, retention());
    REQUIRE(kept);
    CHECK(kept->good[0].empty());
    CHECK(kept->good[1].size() == 1);
    CHECK(kept->apart.empty());
    auto const asked = sort_backups(text, retention(true));
    REQUIRE(asked);
    CHECK(paths(asked->apart) == Paths{"/b/shop_emergency_20260101_0200.dump"});
}

TEST_CASE("nothing outside the folder, without a time, of tomorrow or empty is looked at") {
    auto const sorted = sort_backups(
        stored("9\t/etc/shop_20260101_0200.dump\n9\t/b/../etc/shop_20260101_0200.dump\n"
               "9\t/bb/shop_20260101_0200.dump\n9\t/b/shop_latest.dump\n"
               "9\t/b/shop_20270101_0200.dump\n0\t/b/shop_20260101_0200.dump\n"
               "9\t/b/shopping_20260101_0200.dump\n9\t/b/shop_20260101_0200.tar\n"),
        retention()
    );
    REQUIRE(sorted);
    CHECK(sorted->good[0].empty());
    CHECK(sorted->apart.empty());
}

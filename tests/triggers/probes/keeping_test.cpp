// Environment files, crontabs and backups: what the state of a host is judged by.
#include "core/io/process.hpp"
#include "core/record.hpp"
#include "tests/catch.hpp"
#include "tests/core/io/support/temp_folder.hpp"
#include "tests/triggers/probes/support.hpp"
#include "triggers/probes/backup_files.hpp"
#include "triggers/probes/cron_lines.hpp"
#include "triggers/probes/env_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace rollbackd;
using namespace rollbackd::testing;
using namespace std::chrono_literals;

namespace {

/// Sets a file's last change back.
void make_older(std::string const& path, Duration age) {
    auto const now = RealClock().now().wall.time_since_epoch() - age;
    timespec time{};
    time.tv_sec = std::chrono::floor<std::chrono::seconds>(now).count();
    timespec const both[2] = {time, time};
    REQUIRE(::utimensat(AT_FDCWD, path.c_str(), both, 0) == 0);
}

BackupFile backup(std::string path, std::uint64_t size, Duration age) {
    return {
        std::move(path), size,
        WallTime(std::chrono::hours(1000)) - std::chrono::floor<std::chrono::microseconds>(age)
    };
}

std::string judged(std::vector<BackupFile> const& files, BackupRules const& rules) {
    return judge_backups(files, rules, WallTime(std::chrono::hours(1000))).problem;
}

std::string run(ProbeLoop& probes, std::vector<std::string> argv) {
    ProcessSpec spec;
    spec.argv = std::move(argv);
    auto const result = probes.loop.run(run_process(std::move(spec)));
    REQUIRE(result);
    REQUIRE(result->ok());
    return result->output;
}

}  // namespace

TEST_CASE("an environment file is read as its readers do") {
    auto const values = parse_env(
        "# comment\nexport A=1\nB = two words # why\nC='single # kept'\nD=\"a\\\"b\" # x\nE=\n"
        "A=last\nnot a line\n=x\nF=a#b\r\nG=\"open\n"
    );
    CHECK(values.at("A") == "last");
    CHECK(values.at("B") == "two words");
    CHECK(values.at("C") == "single # kept");
    CHECK(values.at("D") == "a\"b");
    CHECK(values.at("E").empty());
    CHECK(values.at("F") == "a#b");
    CHECK(values.at("G") == "\"open");
    CHECK(values.size() == 7);
}

TEST_CASE("an env signal names the key that is wrong and never its value") {
    ProbeLoop probes;
    TempFolder const folder;
    auto const path = folder.write("app.env", "KEY=sk_live_very-secret\nEMPTY=\n");
    auto const other = folder.write("other.env", "KEY=sk_live_other\nSAME=sk_live_very-secret\n");
    auto const ask = [&](std::string const& rest) {
        auto const state = state_of(probes.ask("env", "{\"path\":\"" + path + "\"," + rest + "}"));
        CHECK(state.reason.find("very-secret") == std::string::npos);
        return state.ok ? "ok" : state.reason;
    };
    CHECK(ask(R"("keys":["KEY"])") == "ok");
    CHECK(ask(R"("keys":["KEY","NONE"])") == "absent: NONE");
    CHECK(ask(R"("keys":["EMPTY"])") == "empty: EMPTY");
    CHECK(ask(R"("match":{"KEY":"^sk_live_"})") == "ok");
    CHECK(ask(R"("match":{"KEY":"^sk_test_"})") == "pattern: KEY");
    CHECK(ask("\"sha256\":{\"KEY\":\"" + sha256_hex("sk_live_very-secret") + "\"}") == "ok");
    CHECK(ask("\"sha256\":{\"KEY\":\"" + std::string(64, '0') + "\"}") == "differs: KEY");
    CHECK(ask("\"same\":{\"KEY\":\"" + other + "\"}") == "differs: KEY");
    CHECK(ask("\"same\":{\"KEY\":\"" + other + ":SAME\"}") == "ok");
    auto const none =
        "{\"path\":\"" + path + "\",\"same\":{\"KEY\":\"" + folder.path("none") + "\"}}";
    CHECK(unknown_of(probes.ask("env", none)).starts_with("missing: "));
    auto const gone = "{\"path\":\"" + folder.path("gone") + "\",\"keys\":[\"KEY\"]}";
    CHECK(state_of(probes.ask("env", gone)).reason.starts_with("missing: "));
}

TEST_CASE("what is wrong with an env signal is found before it is asked") {
    CHECK(mistakes_in("env", R"({"path":"/a"})").size() == 1);
    CHECK(mistakes_in("env", R"({"path":"/a","match":{"A":"("}})").size() == 1);
    CHECK(mistakes_in("env", R"({"path":"/a","sha256":{"A":"12"}})").size() == 1);
    CHECK(mistakes_in("env", R"({"path":"/a","same":{"A":"b.env"}})").size() == 1);
    CHECK(mistakes_in("env", R"({"path":"/a","keys":["A"]})").empty());
}

TEST_CASE("a crontab's jobs are its lines with a schedule") {
    auto const jobs = parse_cron(
        "# m h dom\nSHELL=/bin/sh\nMAILTO = x\n0 2 * * * /opt/backup.sh A=1\n\n#0 3 * * * off\n"
        "@daily root certbot renew\n*/5 8-18 * jan,feb mon-fri www /opt/x\nnonsense\n1 2 3 4\n"
    );
    CHECK(
        jobs ==
        std::vector<std::string>{
            "0 2 * * * /opt/backup.sh A=1", "@daily root certbot renew",
            "*/5 8-18 * jan,feb mon-fri www /opt/x"
        }
    );
}

TEST_CASE("a cron job is there, or missing, and its last run is the change of a file") {
    ProbeLoop probes;
    TempFolder const folder;
    std::filesystem::create_directory(folder.path("cron.d"));
    folder.write("cron.d/backup", "0 2 * * * root /opt/backup.sh\n#0 3 * * * root /opt/off.sh\n");
    auto const stamp = folder.write("stamp", "");
    auto const paths = ",\"paths\":[\"" + folder.path("cron.d") + "\"]";
    auto const ask = [&](std::string const& rest) {
        return probes.ask("crontab", "{" + rest + paths + "}");
    };
    CHECK(state_of(ask(R"("match":"backup\\.sh")")).ok);
    CHECK(state_of(ask(R"("match":"off\\.sh")")).reason == "missing: no crontab has the job");
    auto const ran = R"("match":"backup","ran":")" + stamp + "\"";
    CHECK(state_of(ask(ran + R"(,"within":86400000000000)")).ok);
    make_older(stamp, 25h);
    auto const late = state_of(ask(ran + R"(,"within":86400000000000)"));
    CHECK(late.reason == "late: last run 1 d 1 h ago, expected within 1 d 0 h");
    CHECK(number_of(ask(ran + R"(,"measure":"age")")) > 86400);
    auto const never = R"("match":"backup","ran":")" + folder.path("none") + "\"";
    CHECK(state_of(ask(never + R"(,"within":86400000000000)")).reason.starts_with("late: it never")
    );
    CHECK(unknown_of(ask(never + R"(,"measure":"age")")).starts_with("never: "));
}

TEST_CASE("what is wrong with a crontab signal is found before it is asked") {
    CHECK(mistakes_in("crontab", R"({"match":"("})").size() == 1);
    CHECK(mistakes_in("crontab", R"({"timer":"backup"})").size() == 1);
    CHECK(mistakes_in("crontab", R"({"timer":"backup.timer","ran":"/a"})").size() == 1);
    CHECK(mistakes_in("crontab", R"({"match":"a","within":1})").size() == 1);
    CHECK(mistakes_in("crontab", R"({"match":"a","measure":"age"})").size() == 1);
    CHECK(mistakes_in("crontab", R"({"timer":"backup.timer","within":1})").empty());
}

TEST_CASE("the newest backup is judged by its age, its size and its predecessors") {
    BackupRules rules;
    rules.max_age = 25h;
    rules.min_size = 10;
    rules.shrink = 0.5;
    auto const older = {backup("b", 100, 25h), backup("c", 110, 49h), backup("d", 90, 73h)};
    auto const with = [&](BackupFile newest) {
        std::vector<BackupFile> files{std::move(newest)};
        files.insert(files.end(), older.begin(), older.end());
        return files;
    };
    CHECK(judged(with(backup("a", 60, 1h)), rules).empty());
    CHECK(
        judged(with(backup("/x/a", 40, 1h)), rules) ==
        "shrunk: a has 40 B, its predecessors have 100 B"
    );
    CHECK(judged(with(backup("a", 5, 1h)), rules).starts_with("small: "));
    CHECK(judged(with(backup("a", 60, 26h)), rules).starts_with("old: a is 1 d 2 h old"));
    CHECK(judged({}, rules) == "missing: there is no backup of that name");
    CHECK(judged({backup("a", 0, 1h)}, {}).starts_with("small: "));
    rules.count = 5;
    CHECK(judged(with(backup("a", 60, 1h)), rules) == "few: 4 backups, expected at least 5");
}

TEST_CASE("a backup that is being written is left out") {
    BackupRules rules;
    rules.settle = 5min;
    rules.shrink = 0.5;
    CHECK(judged({backup("new", 1, 1min), backup("a", 100, 24h), backup("b", 100, 48h)}, rules)
              .empty());
    CHECK(judged({backup("new", 1, 1min)}, rules).find("being written") != std::string::npos);
}

TEST_CASE("backups are found by wildcards, a folder down where the pattern says so") {
    TempFolder const folder;
    std::filesystem::create_directories(folder.path("2026-01"));
    std::filesystem::create_directories(folder.path("2026-02"));
    make_older(folder.write("2026-01/app_prod_1.sql.gz", "1"), 48h);
    make_older(folder.write("2026-02/app_prod_2.sql.gz", "22"), 24h);
    folder.write("2026-02/app_broken_3.sql.gz", "333");
    folder.write("app_prod_4.sql.gz", "4444");
    auto const found = find_backups({folder.path(), "*/app_*.sql.gz", {"*_broken_*"}});
    REQUIRE(found);
    REQUIRE(found->size() == 2);
    CHECK(found->front().path == folder.path("2026-02/app_prod_2.sql.gz"));
    CHECK(found->front().size == 2);
    CHECK(find_backups({folder.path("none"), "*", {}})->empty());
}

TEST_CASE("a backup is read to its end by its kind, and again only when it has changed") {
    ProbeLoop probes;
    TempFolder const folder;
    folder.write("a.sql", "-- a dump\n" + std::string(5000, 'x'));
    run(probes, {"gzip", folder.path("a.sql")});
    auto const params =
        "{\"path\":\"" + folder.path() +
        "\",\"pattern\":\"*.gz\",\"settle\":0,\"shrink\":0.5,\"readable\":\"auto\"}";
    auto const probe = probes.make("backup", params.c_str());
    CHECK(state_of(probes.ask(*probe)).ok);
    auto const bytes = folder.read("a.sql.gz");
    folder.write("a.sql.gz", bytes.substr(0, bytes.size() / 2));
    auto const torn = state_of(probes.ask(*probe));
    CHECK(torn.reason.starts_with("unreadable: gzip: "));
    CHECK(state_of(probes.ask(*probe)) == StateValue{false, torn.reason, {}});
    folder.write("a.sql.gz", bytes);
    CHECK(state_of(probes.ask(*probe)).ok);
    run(probes, {"tar", "-czf", folder.path("b.tgz"), "-C", folder.path(), "a.sql.gz"});
    auto const tar = "{\"path\":\"" + folder.path() + "\",\"pattern\":\"*.tgz\",\"settle\":0}";
    CHECK(state_of(probes.ask("backup", tar + "")).ok);
    folder.write("b.tgz", "no archive at all");
    CHECK(state_of(probes.ask("backup", tar + "")).reason.starts_with("unreadable: "));
}

TEST_CASE("a backup that was read is not read again after a restart") {
    ProbeLoop probes;
    TempFolder const folder;
    folder.write("a.sql.gz", "no archive at all");
    auto const params = "{\"path\":\"" + folder.path() + "\",\"pattern\":\"*.gz\",\"settle\":0}";
    auto const probe = probes.make("backup", params.c_str());
    CHECK(probe->save().is_null());
    auto const torn = state_of(probes.ask(*probe)).reason;
    CHECK(torn.starts_with("unreadable: "));
    // What stands there is believed: it was not opened.
    auto saved = probe->save();
    saved.as_object()["problem"] = "unreadable: as it was before";
    auto const again = probes.make("backup", params.c_str());
    again->resume(saved);
    CHECK(state_of(probes.ask(*again)).reason == "unreadable: as it was before");
    saved.as_object()["size"] = 3;
    auto const changed = probes.make("backup", params.c_str());
    changed->resume(saved);
    CHECK(state_of(probes.ask(*changed)).reason == torn);
}

TEST_CASE("a backup's age, size and count are numbers") {
    ProbeLoop probes;
    TempFolder const folder;
    make_older(folder.write("a.sql", "12345"), 2h);
    auto const measure = [&](std::string const& what) {
        return probes.ask(
            "backup", "{\"path\":\"" + folder.path() + "\",\"pattern\":\"*.sql\",\"measure\":\"" +
                          what + "\"}"
        );
    };
    CHECK(number_of(measure("age")) == Approx(7200).margin(60));
    CHECK(number_of(measure("size")) == 5);
    CHECK(number_of(measure("count")) == 1);
    std::filesystem::remove(folder.path("a.sql"));
    CHECK(number_of(measure("count")) == 0);
    CHECK(unknown_of(measure("age")).starts_with("missing: "));
    CHECK(mistakes_in("backup", R"({"path":"/a","pattern":"**/x"})").size() == 1);
    CHECK(mistakes_in("backup", R"({"path":"/a","pattern":"/x"})").size() == 1);
}

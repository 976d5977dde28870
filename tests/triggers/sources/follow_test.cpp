#include "triggers/sources/follow.hpp"

#include "tests/catch.hpp"
#include "tests/triggers/sources/support/log_file.hpp"

using namespace rollbackd;
using namespace rollbackd::source_test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

using Lines = std::vector<std::string>;

Instant const start(1h);

Lines read_all(FileFollower& follower, Instant now = start) {
    Lines lines;
    while (true) {
        auto batch = follower.read_batch(1000, now);
        lines.insert(lines.end(), batch.lines.begin(), batch.lines.end());
        if (!batch.more) return lines;
    }
}

// Over a restart: what was saved goes through its text, as in a checkpoint.
FileFollower restarted(FileFollower const& follower, LogFile const& log) {
    auto const saved = read_json<FollowPosition>(*parse_json(to_text(to_json(follower.save()))));
    REQUIRE(saved.has_value());
    return FileFollower(log.path(), *saved);
}

}  // namespace

TEST_CASE("at its very first start a follower begins at the end of the file") {
    LogFile const log;
    log.append("old\n");
    FileFollower follower(log.path());
    CHECK(read_all(follower).empty());
    log.append("new\n");
    CHECK(read_all(follower) == Lines{"new"});
}

TEST_CASE("a line that was half written at the first start is handed out whole") {
    LogFile const log;
    log.append("old\nhalf a ");
    FileFollower follower(log.path());
    CHECK(read_all(follower).empty());
    log.append("line\n");
    CHECK(read_all(follower) == Lines{"half a line"});
}

TEST_CASE("a file that appears later is read from its beginning") {
    LogFile const log;
    FileFollower follower(log.path());
    CHECK(read_all(follower).empty());
    CHECK(follower.problem().find("no such file") != std::string::npos);
    auto again = restarted(follower, log);
    log.append("first\n");
    CHECK(read_all(again) == Lines{"first"});
    CHECK(again.problem().empty());
}

TEST_CASE("half a line waits for its newline, over a restart too") {
    LogFile const log;
    log.append("");
    FileFollower follower(log.path());
    log.append("one\ntw");
    CHECK(read_all(follower) == Lines{"one"});
    auto again = restarted(follower, log);
    CHECK(read_all(again).empty());
    log.append("o\r\n");
    CHECK(read_all(again) == Lines{"two"});
}

TEST_CASE("a batch keeps to its limit and the next goes on after it") {
    LogFile const log;
    log.append("");
    FileFollower follower(log.path());
    for (int i = 0; i < 10; ++i) log.append(numbered(i) + "\n");
    auto const batch = follower.read_batch(4, start);
    CHECK(batch.more);
    CHECK(batch.lines == Lines{numbered(0), numbered(1), numbered(2), numbered(3)});
    auto again = restarted(follower, log);
    CHECK(read_all(again).front() == numbered(4));
    CHECK(read_all(follower).size() == 6);
}

TEST_CASE("a renamed file is read to its end before the new one") {
    LogFile const log;
    log.append("");
    FileFollower follower(log.path());
    log.append("a\n");
    CHECK(read_all(follower) == Lines{"a"});
    log.append("b\n");
    log.rotate_by_rename();
    log.append("c\n");
    CHECK(read_all(follower) == Lines{"b", "c"});
}

TEST_CASE("writers that reopen late still count, until the rotated file has been quiet") {
    LogFile const log;
    log.append("");
    FileFollower follower(log.path());
    log.append("a\n");
    CHECK(read_all(follower) == Lines{"a"});
    log.rotate_by_rename();
    log.append("c\n");
    CHECK(read_all(follower) == Lines{"c"});
    log.append("late\n", ".1");
    CHECK(read_all(follower, start + rotated_grace - 1s) == Lines{"late"});
    auto again = restarted(follower, log);
    log.append("later\n", ".1");
    CHECK(read_all(again, start + rotated_grace) == Lines{"later"});
    CHECK(again.save().files.size() == 2);
    CHECK(read_all(again, start + 1h).empty());
    CHECK(read_all(again, start + 2h).empty());
    CHECK(again.save().files.size() == 1);
}

TEST_CASE("the last line of a rotated file counts even where it never got its newline") {
    LogFile const log;
    log.append("");
    FileFollower follower(log.path());
    log.append("torn");
    CHECK(read_all(follower).empty());
    log.rotate_by_rename();
    CHECK(read_all(follower).empty());
    CHECK(read_all(follower, start + 1h) == Lines{"torn"});
    CHECK(read_all(follower, start + 2h).empty());
}

TEST_CASE("after a truncation the file is read from its beginning") {
    LogFile const log;
    log.append("");
    FileFollower follower(log.path());
    log.append("a long line of the old content\n");
    CHECK(read_all(follower).size() == 1);
    log.truncate();
    log.append("b\n");
    CHECK(read_all(follower) == Lines{"b"});
}

TEST_CASE("a truncation is noticed where the file has already grown longer again") {
    LogFile const log;
    log.append("");
    FileFollower follower(log.path());
    log.append("old\n");
    CHECK(read_all(follower).size() == 1);
    log.truncate();
    log.append("new content\nthat is longer\n");
    CHECK(read_all(follower) == Lines{"new content", "that is longer"});
    log.truncate();
    log.append("over a\nrestart\nas well, and longer\n");
    auto again = restarted(follower, log);
    CHECK(read_all(again).size() == 3);
}

TEST_CASE("what copytruncate moved away unread is read from the copy first") {
    LogFile const log;
    log.append("");
    for (bool const restart : {false, true}) {
        FileFollower follower(log.path());
        log.append("a\nb1\n");
        CHECK(read_all(follower).size() == 2);
        log.append("b2\n");
        log.rotate_by_copy();
        log.append("c\n");
        if (restart) follower = restarted(follower, log);
        CHECK(read_all(follower) == Lines{"b2", "c"});
        CHECK(read_all(follower, start + 1h).empty());
    }
}

TEST_CASE("a hole left by a writer that does not append is skipped") {
    LogFile const log;
    log.append("");
    FileFollower follower(log.path());
    log.append("old content\n");
    CHECK(read_all(follower).size() == 1);
    log.truncate();
    log.append(std::string(3'000'000, '\0') + "new\n");
    CHECK(read_all(follower) == Lines{"new"});
    CHECK(follower.too_long() == 0);
}

TEST_CASE("several rotations while nobody looked lose nothing and keep their order") {
    LogFile const log;
    log.append("before\n");
    FileFollower follower(log.path());
    log.append("a\n");
    CHECK(read_all(follower) == Lines{"a"});
    log.append("b\n");
    Lines expected{"b"};
    for (int i = 0; i < 4; ++i) {
        log.rotate_by_rename();
        log.append(numbered(i) + "\n");
        expected.push_back(numbered(i));
    }
    // Times as far apart as days of a real log.
    for (int i = 1; i <= 4; ++i) {
        auto const name = log.path("." + std::to_string(i));
        fs::last_write_time(name, fs::last_write_time(log.path()) + (10h - i * 1h));
    }
    auto again = restarted(follower, log);
    CHECK(read_all(again) == expected);
    CHECK(again.lost() == 0);
    CHECK(read_all(again, start + 1h).empty());
}

TEST_CASE("logs named by date are found too, others beside it are left alone") {
    LogFile const log;
    log.append("");
    FileFollower follower(log.path());
    fs::rename(log.path(), log.path("-20260130"));
    log.append("day 1\n", "-20260130");
    log.append("day 2\n", "-20260131");
    log.append("not ours\n", ".json");
    log.append("not ours\n", "-ssl.1");
    log.append("not ours\n", ".1.gz");
    log.append("day 3\n");
    auto again = restarted(follower, log);
    CHECK(read_all(again) == Lines{"day 1", "day 2", "day 3"});
}

TEST_CASE("a line that is half written when its file is renamed is counted once, where it is ended"
) {
    for (bool const restart : {false, true}) {
        CAPTURE(restart);
        LogFile const log;
        log.append("");
        FileFollower follower(log.path());
        log.append("a\nhalf a ");
        CHECK(read_all(follower) == Lines{"a"});
        log.rotate_by_rename();
        log.append("c\n");
        if (restart) follower = restarted(follower, log);
        CHECK(read_all(follower) == Lines{"c"});
        log.append("line\nlate\n", ".1");
        if (restart) follower = restarted(follower, log);
        CHECK(read_all(follower) == Lines{"half a line", "late"});
        CHECK(read_all(follower, start + 1h).empty());
    }
}

TEST_CASE("a server that makes its new log only a while after the rename loses no line") {
    for (bool const restart : {false, true}) {
        CAPTURE(restart);
        LogFile const log;
        log.append("");
        FileFollower follower(log.path());
        log.append("a\n");
        CHECK(read_all(follower) == Lines{"a"});
        log.append("b\n");
        fs::rename(log.path(), log.path(".1"));
        if (restart) follower = restarted(follower, log);
        CHECK(read_all(follower) == Lines{"b"});
        log.append("late\n", ".1");
        CHECK(read_all(follower, start + 1h) == Lines{"late"});
        if (restart) follower = restarted(follower, log);
        log.append("c\n");
        log.append("later\n", ".1");
        CHECK(read_all(follower, start + 1h) == Lines{"later", "c"});
        CHECK(read_all(follower, start + 2h).empty());
        CHECK(follower.lost() == 0);
    }
}

TEST_CASE("compressing a rotated file that was read takes and repeats nothing") {
    for (bool const restart : {false, true}) {
        CAPTURE(restart);
        LogFile const log;
        log.append("");
        FileFollower follower(log.path());
        log.append("a\n");
        CHECK(read_all(follower) == Lines{"a"});
        log.append("b\n");
        log.rotate_by_rename();
        log.append("c\n");
        // As gzip does: another file takes the place of the one that is still open here.
        if (!restart) {
            log.append("compressed\n", ".1.gz");
            fs::remove(log.path(".1"));
        }
        CHECK(read_all(follower) == Lines{"b", "c"});
        if (restart) {
            log.append("compressed\n", ".1.gz");
            fs::remove(log.path(".1"));
            follower = restarted(follower, log);
        }
        log.append("d\n");
        CHECK(read_all(follower) == Lines{"d"});
        CHECK(read_all(follower, start + 1h).empty());
        CHECK(follower.lost() == 0);
    }
}

TEST_CASE("what was compressed before it was ever read is counted as lost, and the rest is read") {
    LogFile const log;
    log.append("");
    FileFollower follower(log.path());
    log.append("a\n");
    CHECK(read_all(follower) == Lines{"a"});
    log.append("never read\n");
    log.rotate_by_rename();
    log.append("compressed\n", ".1.gz");
    fs::remove(log.path(".1"));
    log.append("b\n");
    auto again = restarted(follower, log);
    CHECK(read_all(again) == Lines{"b"});
    CHECK(again.lost() == 1);
}

TEST_CASE("half a line at the head of a new log does not make older ones look like its copies") {
    for (bool const by_copy : {false, true}) {
        CAPTURE(by_copy);
        LogFile const log;
        log.append("");
        FileFollower follower(log.path());
        log.append("2026 a\n");
        CHECK(read_all(follower) == Lines{"2026 a"});
        Lines expected;
        for (auto const* line : {"2026 b", "2026 c", "2026 d"}) {
            log.append(std::string(line) + "\n");
            expected.emplace_back(line);
            by_copy ? log.rotate_by_copy() : log.rotate_by_rename();
        }
        log.append("2026");
        auto again = restarted(follower, log);
        CHECK(read_all(again) == expected);
        log.append(" e\n");
        CHECK(read_all(again) == Lines{"2026 e"});
    }
}

TEST_CASE("several rotations between two looks lose nothing, without a restart too") {
    for (bool const by_copy : {false, true}) {
        CAPTURE(by_copy);
        LogFile const log;
        log.append("");
        FileFollower follower(log.path());
        log.append(numbered(0) + "\n");
        CHECK(read_all(follower) == Lines{numbered(0)});
        Lines expected;
        for (int i = 1; i <= 4; ++i) {
            log.append(numbered(i) + "\n");
            expected.push_back(numbered(i));
            by_copy ? log.rotate_by_copy() : log.rotate_by_rename();
        }
        log.append(numbered(9) + "\n");
        expected.push_back(numbered(9));
        CHECK(read_all(follower) == expected);
        CHECK(read_all(follower, start + 1h).empty());
        CHECK(read_all(follower, start + 2h).empty());
    }
}

TEST_CASE("a saved file that is gone is counted as lost and the new one read whole") {
    LogFile const log;
    log.append("");
    FileFollower follower(log.path());
    log.append("a\n");
    CHECK(read_all(follower) == Lines{"a"});
    auto const saved = follower.save();
    log.append("never read\n");
    fs::remove(log.path());
    log.append("new\n");
    FileFollower again(log.path(), saved);
    CHECK(read_all(again) == Lines{"new"});
    CHECK(again.lost() == 1);
}

TEST_CASE("a line that is too long is skipped whole and counted, over a restart too") {
    LogFile const log;
    log.append("");
    FileFollower follower(log.path());
    log.append(
        "a\n" + std::string(line_bytes_max + 1, 'x') + "\nb\n" +
        std::string(2 * line_bytes_max, 'y')
    );
    CHECK(read_all(follower) == Lines{"a", "b"});
    CHECK(follower.too_long() == 2);
    auto again = restarted(follower, log);
    log.append("the end of y\n" + std::string(line_bytes_max, 'z') + "\nc\n");
    CHECK(read_all(again) == Lines{std::string(line_bytes_max, 'z'), "c"});
    CHECK(again.too_long() == 0);
}

TEST_CASE("what is no regular file, or may not be read, is a problem that passes") {
    LogFile const log;
    fs::create_directory(log.path());
    FileFollower follower(log.path());
    CHECK(read_all(follower).empty());
    CHECK(follower.problem().find("regular file") != std::string::npos);
    fs::remove(log.path());
    REQUIRE(mkfifo(log.path().c_str(), 0600) == 0);
    CHECK(read_all(follower).empty());
    fs::remove(log.path());
    CHECK(read_all(follower).empty());
    log.append("now\n");
    CHECK(read_all(follower) == Lines{"now"});
    CHECK(follower.problem().empty());
}

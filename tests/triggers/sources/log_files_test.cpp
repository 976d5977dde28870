#include "triggers/sources/log_files.hpp"

#include "tests/catch.hpp"
#include "tests/triggers/sources/support/log_file.hpp"

using namespace rollbackd;
using namespace rollbackd::source_test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

using Lines = std::vector<std::string>;

// A folder of logs whose lines are "SECOND text": what happened when.
struct Folder {
    LogFile log;  // for its folder
    Now now{Instant(1h), WallTime(1h)};

    std::string path(std::string const& name) const { return (log.folder() / name).string(); }
    void append(std::string const& name, std::string const& text) const {
        std::ofstream file(path(name), std::ios::app | std::ios::binary);
        file << text;
        REQUIRE(file.flush());
    }
    void rename(std::string const& from, std::string const& to) const {
        fs::rename(path(from), path(to));
    }
    LogFiles open(std::string const& pattern = "*.log", Json const& saved = {}) const {
        return LogFiles(path(pattern), saved, now.boot);
    }
    // Over a restart: what was saved goes through its text, as in a checkpoint.
    LogFiles reopen(LogFiles const& files, std::string const& pattern = "*.log") const {
        return open(pattern, *parse_json(to_text(Json(files.save()))));
    }
    Lines read(LogFiles& files) {
        Lines texts;
        do {
            now.boot += 1s;
            auto const samples = files.read(now, [](std::string const& line, Sample& sample) {
                if (line.starts_with('#')) return LineFate::unmatched;
                sample.at = Instant(std::chrono::seconds(std::stoi(line)));
                sample.id = line;
                return LineFate::sample;
            });
            for (auto const& sample : samples) texts.push_back(sample.id);
        } while (!files.caught_up());
        return texts;
    }
};

}  // namespace

TEST_CASE("a pattern means every log of such a name, from its end at the very first start") {
    Folder f;
    f.append("a.log", "1 old\n");
    f.append("b.log", "2 old\n");
    f.append("c.txt", "3 not ours\n");
    auto files = f.open();
    CHECK(f.read(files).empty());
    f.append("a.log", "4 a\n");
    f.append("b.log", "5 b\n");
    f.append("c.txt", "6 c\n");
    CHECK(f.read(files) == Lines{"4 a", "5 b"});
    CHECK(files.status().reading);
}

TEST_CASE("a log that appears is read from its beginning, and one that goes is let go") {
    Folder f;
    auto files = f.open();
    CHECK(f.read(files).empty());
    CHECK_FALSE(files.status().reading);
    CHECK(files.status().text.find("waiting for one") != std::string::npos);
    f.append("a.log", "1 a\n2 a");
    CHECK(f.read(files) == Lines{"1 a"});
    CHECK(files.status().reading);
    f.append("b.log", "3 b\n");
    fs::remove(f.path("a.log"));
    CHECK(f.read(files) == Lines{"3 b"});
    CHECK(files.status().reading);
    f.now.boot += rotated_grace;
    CHECK(f.read(files) == Lines{"2 a"});  // nobody will end that line any more
    CHECK(files.paths() == std::vector<std::string>{f.path("*.log"), f.path("b.log")});
    CHECK(files.status().lost == 0);
}

TEST_CASE("lines of several logs come in the order of their times, however long the backlog is") {
    Folder f;
    f.append("a.log", "");
    f.append("b.log", "");
    f.append("c.log", "");
    auto files = f.open();
    CHECK(f.read(files).empty());
    Lines expected;
    for (int i = 0; i < 5000; ++i) {
        auto const text = numbered(i);
        auto const* const name = i % 7 == 0 ? "a.log" : i < 2500 ? "b.log" : "c.log";
        f.append(name, text + "\n# nothing\n");
        expected.push_back(text);
    }
    CHECK(f.read(files) == expected);
    CHECK(files.status().unmatched == 5000);
    CHECK(files.status().lines == 10000);
}

TEST_CASE("saved in mid-backlog, each line of every log is read exactly once") {
    Folder f;
    f.append("a.log", "");
    f.append("b.log", "");
    auto first = f.open();
    for (int i = 0; i < 3000; ++i) {
        f.append(i % 3 == 0 ? "a.log" : "b.log", numbered(i) + "\n");
    }
    Lines texts;
    auto files = f.reopen(first);
    for (int round = 0; texts.size() < 3000 && round < 100; ++round) {
        f.now.boot += 1s;
        auto const samples = files.read(f.now, [](std::string const& line, Sample& sample) {
            sample.at = Instant(std::chrono::seconds(std::stoi(line)));
            sample.id = line;
            return LineFate::sample;
        });
        for (auto const& sample : samples) texts.push_back(sample.id);
        files = f.reopen(files);
    }
    REQUIRE(texts.size() == 3000);
    for (int i = 0; i < 3000; ++i) CHECK(texts[std::size_t(i)] == numbered(i));
}

TEST_CASE("each log of a pattern is rotated by itself, also while nobody looks") {
    Folder f;
    f.append("a.log", "");
    f.append("b.log", "");
    auto files = f.open("*.log*");
    CHECK(f.read(files).empty());
    f.append("a.log", "1 a\n");
    f.rename("a.log", "a.log.1");
    f.append("a.log.1", "2 a\n");
    f.append("a.log", "3 a\n");
    CHECK(f.read(files) == Lines{"1 a", "2 a", "3 a"});
    f.append("b.log", "4 b\n");
    f.append("a.log", "5 a\n");
    f.rename("b.log", "b.log-20260131");
    f.append("b.log", "6 b\n");
    fs::copy_file(f.path("a.log"), f.path("a.log.2.gz"));
    auto again = f.reopen(files, "*.log*");
    CHECK(f.read(again) == Lines{"4 b", "5 a", "6 b"});
    CHECK(again.status().lost == 0);
}

TEST_CASE("logs named by their day are logs, and rotated copies of one beside it are not") {
    Folder f;
    f.append("site-20260130.log", "1\n");
    f.append("shop.log", "2\n");
    f.append("shop-20260130.log", "3\n");
    f.append("shop-2.log", "4\n");
    auto files = f.open();
    CHECK(f.read(files).empty());
    CHECK(
        files.paths() ==
        std::vector<std::string>{
            f.path("*.log"), f.path("shop-2.log"), f.path("shop.log"), f.path("site-20260130.log")
        }
    );
    f.append("site-20260131.log", "5 next day\n");
    CHECK(f.read(files) == Lines{"5 next day"});
}

TEST_CASE("a log that gets another name within the pattern is read on, not again") {
    Folder f;
    f.append("a.log", "");
    auto files = f.open();
    f.append("a.log", "1 a\n");
    CHECK(f.read(files) == Lines{"1 a"});
    f.rename("a.log", "z.log");
    f.append("z.log", "2 z\n");
    f.append("a.log", "3 new\n");
    CHECK(f.read(files) == Lines{"2 z", "3 new"});
    f.rename("z.log", "y.log");
    auto again = f.reopen(files);
    f.append("y.log", "4 y\n");
    CHECK(f.read(again) == Lines{"4 y"});
}

TEST_CASE("a log that was away for long is read on where it was") {
    Folder f;
    f.append("a.log", "");
    auto files = f.open();
    f.append("a.log", "1 a\n");
    CHECK(f.read(files) == Lines{"1 a"});
    f.rename("a.log", "a.kept");
    CHECK(f.read(files).empty());
    f.now.boot += rotated_grace;
    CHECK(f.read(files).empty());
    CHECK_FALSE(files.status().reading);
    auto again = f.reopen(files);
    f.rename("a.kept", "a.log");
    f.append("a.log", "2 a\n");
    CHECK(f.read(again) == Lines{"2 a"});
}

TEST_CASE("two names of one log are one log") {
    Folder f;
    f.append("2026-01-31.log", "");
    fs::create_symlink(f.path("2026-01-31.log"), f.path("current.log"));
    auto files = f.open();
    f.append("2026-01-31.log", "1 a\n");
    CHECK(f.read(files) == Lines{"1 a"});
    f.append("2026-02-01.log", "2 b\n");
    fs::remove(f.path("current.log"));
    fs::create_symlink(f.path("2026-02-01.log"), f.path("current.log"));
    f.append("2026-02-01.log", "3 b\n");
    f.append("2026-01-31.log", "4 late\n");
    CHECK(f.read(files) == Lines{"2 b", "3 b", "4 late"});
}

TEST_CASE("folders fit a pattern too, and what is there above the limit is told") {
    Folder f;
    fs::create_directories(f.path("one"));
    fs::create_directories(f.path("two"));
    auto files = f.open("*/access.log");
    CHECK(f.read(files).empty());
    f.append("one/access.log", "1 one\n");
    f.append("two/access.log", "2 two\n");
    fs::create_directories(f.path("three/access.log"));
    CHECK(f.read(files) == Lines{"1 one", "2 two"});
    for (std::size_t i = 0; i <= log_files_max; ++i) f.append(std::to_string(i) + ".x", "3\n");
    auto many = f.open("*.x");
    CHECK_FALSE(many.status().reading);
    CHECK(many.status().text.find("more than 256 files") != std::string::npos);
}

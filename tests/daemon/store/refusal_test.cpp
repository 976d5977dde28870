// Files the journal must not touch, each refused with a sentence that says how to mend it.
#include "tests/catch.hpp"
#include "tests/daemon/store/support/store.hpp"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace rollbackd;
using namespace rollbackd::store_test;

TEST_CASE("a second opening for writing is refused while the first lives, and works after it") {
    TempFolder const folder;
    auto first = open(folder.url());
    REQUIRE(first->append(drafts(1), at(0), boot_id));
    auto const second = open_journal(folder.url(), OpenMode::read_write);
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error().code == Errc::conflict);
    CHECK(second.error().what.find("pid " + std::to_string(getpid())) != std::string::npos);
    CHECK(second.error().what.find("stop that one") != std::string::npos);
    CHECK(first->append(drafts(1), at(0), boot_id));
    first.reset();
    CHECK(open(folder.url())->last_seq() == 2);
}

TEST_CASE("two spellings of one store meet at one lock") {
    TempFolder const folder;
    std::filesystem::create_symlink(folder.path(""), folder.path("link"));
    auto const first = open(folder.url());
    for (auto const& other :
         {"sqlite:" + folder.path("link/journal.db"), "sqlite://" + folder.path("./journal.db"),
          folder.path("journal.db")}) {
        CAPTURE(other);
        CHECK(open_journal(other, OpenMode::read_write).error().code == Errc::conflict);
    }
}

TEST_CASE("another program's database is refused in both modes and left untouched") {
    TempFolder const folder;
    auto const path = folder.path("other.db");
    REQUIRE(run_sql(path, "CREATE TABLE customer(name TEXT); INSERT INTO customer VALUES ('a')"));
    for (auto const mode : {OpenMode::read_write, OpenMode::read_only}) {
        auto const error = refusal("sqlite:" + path, path, mode);
        CHECK(error.code == Errc::invalid);
        CHECK(error.what.find("another program") != std::string::npos);
    }
    CHECK_FALSE(std::filesystem::exists(path + ".lock"));
    CHECK_FALSE(std::filesystem::exists(path + "-wal"));
}

TEST_CASE("a journal of a newer format is refused with both versions named") {
    TempFolder const folder;
    make_journal(folder.url(), 1);
    auto const path = folder.path("journal.db");
    REQUIRE(run_sql(path, "PRAGMA user_version = 2"));
    for (auto const mode : {OpenMode::read_write, OpenMode::read_only}) {
        auto const error = refusal(folder.url(), path, mode);
        CHECK(error.code == Errc::invalid);
        CHECK(error.what.find("journal format 2, this one knows 1") != std::string::npos);
    }
}

TEST_CASE("a journal whose tables somebody changed is refused") {
    TempFolder const folder;
    make_journal(folder.url(), 1);
    auto const path = folder.path("journal.db");
    REQUIRE(run_sql(path, "DROP TRIGGER record_delete"));
    CHECK(refusal(folder.url(), path).code == Errc::corrupt);
}

TEST_CASE("garbage, and a journal cut short, are refused and left untouched") {
    TempFolder const folder;
    auto const path = folder.path("journal.db");
    make_journal(folder.url(), 20);
    auto const whole = read_file(path);
    for (auto const& bytes :
         {std::string("hello\n"), std::string(5000, '\xff'), whole.substr(0, 4096),
          whole.substr(0, whole.size() / 2), "SQLite format 3" + std::string(200, '\0')}) {
        write_file(path, bytes);
        auto const error = refusal(folder.url(), path);
        CAPTURE(to_string(error));
        CHECK((error.code == Errc::corrupt || error.code == Errc::invalid));
        CHECK(
            (error.what.find("restore") != std::string::npos ||
             error.what.find("daemon.store") != std::string::npos)
        );
    }
}

TEST_CASE("what is no file, has no folder, or names nothing is refused with a way out") {
    TempFolder const folder;
    std::filesystem::create_directory(folder.path("folder"));
    write_file(folder.path("file"), "x");
    struct Case {
        std::string url;
        Errc code;
        std::string mend;
    };
    for (auto const& [url, code, mend] : {
             Case{"sqlite:" + folder.path("folder"), Errc::invalid, "/folder/rollbackd.db"},
             Case{"sqlite:" + folder.path("none/journal.db"), Errc::not_found, "create it"},
             Case{"sqlite:" + folder.path("file/journal.db"), Errc::invalid, "not a directory"},
             Case{"sqlite:", Errc::invalid, "sqlite:/path"},
             Case{"mysql://db", Errc::invalid, "sqlite:/path"},
             Case{"sqlite:/dev/null", Errc::invalid, "not a regular file"},
         }) {
        CAPTURE(url);
        auto const journal = open_journal(url, OpenMode::read_write);
        REQUIRE_FALSE(journal.has_value());
        CAPTURE(to_string(journal.error()));
        CHECK(journal.error().code == code);
        CHECK(journal.error().what.find(mend) != std::string::npos);
    }
    auto const missing = open_journal(folder.url(), OpenMode::read_only);
    CHECK(missing.error().code == Errc::not_found);
    CHECK_FALSE(std::filesystem::exists(folder.path("journal.db")));
}

TEST_CASE("a file or folder of somebody else is refused by who may use it") {
    if (geteuid() != 0) {
        WARN("skipped: only root can become somebody else");
        return;
    }
    TempFolder const folder;
    make_journal(folder.url(), 1);
    auto const path = folder.path("journal.db");
    auto const before = read_file(path);
    REQUIRE(chmod(folder.path("").c_str(), 0755) == 0);
    REQUIRE(chmod(path.c_str(), 0600) == 0);
    constexpr uid_t nobody = 65534;
    REQUIRE(seteuid(nobody) == 0);
    auto const reader = open_journal(folder.url(), OpenMode::read_only);
    auto const writer = open_journal(folder.url(), OpenMode::read_write);
    auto const fresh = open_journal(folder.url("new.db"), OpenMode::read_write);
    REQUIRE(seteuid(0) == 0);
    for (auto const* journal : {&reader, &writer, &fresh}) {
        REQUIRE_FALSE(journal->has_value());
        CHECK(journal->error().code == Errc::io);
        CHECK(journal->error().what.find("belong to the user") != std::string::npos);
    }
    CHECK(read_file(path) == before);
}

TEST_CASE("a backup that only may be read can be verified without leaving anything beside it") {
    if (geteuid() != 0) {
        WARN("skipped: only root can become somebody else");
        return;
    }
    TempFolder const folder;
    make_journal(folder.url(), 4);
    auto const path = folder.path("journal.db");
    std::filesystem::remove(path + ".lock");
    REQUIRE(chmod(folder.path("").c_str(), 0755) == 0);
    REQUIRE(chmod(path.c_str(), 0644) == 0);
    REQUIRE(seteuid(65534) == 0);
    auto journal = open_journal(folder.url(), OpenMode::read_only);
    auto const report =
        journal ? verify_journal(**journal) : Result<VerifyReport>(fail(Errc::io, "not opened"));
    REQUIRE(seteuid(0) == 0);
    REQUIRE(report.has_value());
    CHECK(report->records == 4);
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path("")), {}) == 1);
}

TEST_CASE("a store that was only just made, or is an empty file, is a new journal") {
    TempFolder const folder;
    write_file(folder.path("journal.db"), "");
    CHECK(open_journal(folder.url(), OpenMode::read_only).error().code == Errc::corrupt);
    auto const journal = open(folder.url());
    CHECK(journal->last_seq() == 0);
    struct stat found{};
    REQUIRE(stat(folder.path("journal.db").c_str(), &found) == 0);
    auto const fresh = open(folder.url("new.db"));
    REQUIRE(stat(folder.path("new.db").c_str(), &found) == 0);
    CHECK((found.st_mode & 07) == 0);
}

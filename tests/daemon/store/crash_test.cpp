// The journal under kill -9 and a full disk.
#include "tests/catch.hpp"
#include "tests/daemon/store/support/store.hpp"

#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

using namespace rollbackd;
using namespace rollbackd::store_test;

namespace {

// In the child: append until killed, telling the parent each sequence that append() acknowledged.
[[noreturn]] void append_for_ever(std::string const& url, int acknowledge) {
    auto journal = open_journal(url, OpenMode::read_write);
    if (!journal) _exit(1);
    for (int i = 0;; ++i) {
        auto const records = (*journal)->append(drafts(1 + i % 3, i), at(i), boot_id);
        if (!records) _exit(2);
        std::uint64_t const seq = records->back().seq;
        if (write(acknowledge, &seq, sizeof seq) != ssize_t(sizeof seq)) _exit(3);
    }
}

}  // namespace

TEST_CASE("kill -9 in the middle of appending keeps every acknowledged record and no half one") {
    TempFolder const folder;
    std::uint64_t acknowledged = 0;
    for (int round = 0; round < 8; ++round) {
        int pipe_ends[2];
        REQUIRE(pipe(pipe_ends) == 0);
        pid_t const child = fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            close(pipe_ends[0]);
            append_for_ever(folder.url(), pipe_ends[1]);
        }
        close(pipe_ends[1]);
        // Killed after another number of appends each round, at no particular point of one.
        std::uint64_t seq = 0;
        for (int i = 0; i < 5 + 7 * round; ++i) {
            REQUIRE(read(pipe_ends[0], &seq, sizeof seq) == ssize_t(sizeof seq));
            acknowledged = seq;
        }
        kill(child, SIGKILL);
        int status = 0;
        REQUIRE(waitpid(child, &status, 0) == child);
        REQUIRE(WIFSIGNALED(status));
        while (read(pipe_ends[0], &seq, sizeof seq) == ssize_t(sizeof seq)) acknowledged = seq;
        close(pipe_ends[0]);

        auto const report = verify(folder.url());
        REQUIRE_FALSE(report.problem.has_value());
        CHECK(report.records >= acknowledged);
        // At most the one transaction that was never acknowledged.
        CHECK(report.records <= acknowledged + 3);
    }
}

TEST_CASE("a killed holder leaves no lock behind") {
    TempFolder const folder;
    int pipe_ends[2];
    REQUIRE(pipe(pipe_ends) == 0);
    pid_t const child = fork();
    if (child == 0) append_for_ever(folder.url(), pipe_ends[1]);
    std::uint64_t seq = 0;
    REQUIRE(read(pipe_ends[0], &seq, sizeof seq) == ssize_t(sizeof seq));
    CHECK(open_journal(folder.url(), OpenMode::read_write).error().code == Errc::conflict);
    kill(child, SIGKILL);
    REQUIRE(waitpid(child, nullptr, 0) == child);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    CHECK(open(folder.url())->lease()->epoch() == 2);
}

namespace {

// Appends until the store refuses, then checks that nothing of the refused append is there.
void fill_up(Journal& journal) {
    RecordDraft const large{"test.large", Json(std::string(100'000, 'x'))};
    std::uint64_t last = journal.last_seq();
    for (int i = 0; i < 1000; ++i) {
        auto const records = journal.append(std::span(&large, 1), at(i), boot_id);
        if (records) {
            last = records->back().seq;
            continue;
        }
        CAPTURE(to_string(records.error()));
        CHECK(records.error().code == Errc::unavailable);
        CHECK(records.error().what.find("disk") != std::string::npos);
        CHECK(journal.last_seq() == last);
        CHECK(journal.stored_tail()->seq == last);
        return;
    }
    FAIL("the store was never full");
}

}  // namespace

TEST_CASE("a full disk refuses the append whole, and the store is usable once space returns") {
    TempFolder const folder;
    auto const mounted = folder.path("small");
    std::filesystem::create_directory(mounted);
    if (geteuid() != 0 || mount("tmpfs", mounted.c_str(), "tmpfs", 0, "size=2m") != 0) {
        WARN("skipped: no small file system can be mounted here");
        return;
    }
    {
        write_file(mounted + "/ballast", std::string(200'000, 'b'));
        auto const journal = open("sqlite:" + mounted + "/journal.db");
        fill_up(*journal);
        std::uint64_t const before = journal->last_seq();
        REQUIRE(std::filesystem::remove(mounted + "/ballast"));
        CHECK(journal->append(drafts(1), at(0), boot_id));
        CHECK(journal->last_seq() == before + 1);
        auto const report = verify_journal(*journal);
        REQUIRE(report.has_value());
        CHECK(report->records == before + 1);
        CHECK_FALSE(report->problem.has_value());
    }
    CHECK_FALSE(verify("sqlite:" + mounted + "/journal.db").problem.has_value());
    CHECK(umount(mounted.c_str()) == 0);
}

TEST_CASE("a limit on the file's size is a full disk too") {
    TempFolder const folder;
    auto const journal = open(folder.url());
    struct rlimit before{};
    REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
    auto const ignored = std::signal(SIGXFSZ, SIG_IGN);
    struct rlimit small = before;
    small.rlim_cur = 1'000'000;
    REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
    fill_up(*journal);
    REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
    std::signal(SIGXFSZ, ignored);
    CHECK(journal->append(drafts(2), at(0), boot_id));
    CHECK_FALSE(verify_journal(*journal)->problem.has_value());
}

TEST_CASE("a file that has lost its name takes no record, and takes them again once it is back") {
    for (auto const* const side : {"", "-wal"}) {
        TempFolder const folder;
        auto const journal = open(folder.url());
        REQUIRE(journal->append(drafts(1), at(0), boot_id));
        auto const file = folder.path("journal.db") + side;
        REQUIRE(std::filesystem::exists(file));
        std::filesystem::rename(file, file + ".away");
        CHECK_FALSE(journal->append(drafts(1), at(1), boot_id));
        CHECK_FALSE(journal->save_checkpoints(std::vector{Checkpoint{"state", 1, {}, "{}"}}));
        write_file(file, "another file");
        CHECK_FALSE(journal->append(drafts(1), at(1), boot_id));
        std::filesystem::rename(file + ".away", file);
        CHECK(journal->append(drafts(1), at(2), boot_id));
        CHECK(journal->last_seq() == 2);
        CHECK_FALSE(verify_journal(*journal)->problem.has_value());
    }
}

// What the journal notices when its file was changed behind its back.
#include "tests/catch.hpp"
#include "tests/daemon/store/support/store.hpp"

using namespace rollbackd;
using namespace rollbackd::store_test;

namespace {

std::uint64_t problem_at(std::string const& url) {
    auto const report = verify(url);
    CHECK(report.problem.has_value());
    return report.problem ? report.problem->seq : 0;
}

}  // namespace

TEST_CASE("verify names the record of which any field was changed") {
    TempFolder const folder;
    make_journal(folder.url(), 5);
    auto const clean = read_file(folder.path("journal.db"));
    for (auto const* change :
         {"at = at + 1", "boot = boot + 1", "boot_id = 'other'", "epoch = epoch + 1",
          "kind = 'test.other'", "body = replace(body, 'number 3', 'number 4')",
          "hash = replace(hash, substr(hash, 1, 1), 'z')",
          "prev = replace(prev, 'a', 'b') || 'x'"}) {
        CAPTURE(change);
        write_file(folder.path("journal.db"), clean);
        tamper(
            folder.path("journal.db"), std::string("UPDATE record SET ") + change + " WHERE seq = 3"
        );
        auto const report = verify(folder.url());
        REQUIRE(report.problem.has_value());
        CHECK(report.problem->seq == 3);
        CHECK(report.records == 2);
        CHECK_FALSE(report.problem->what.empty());
    }
}

TEST_CASE("verify notices a record removed in the middle, at the end, and all of them") {
    TempFolder const folder;
    make_journal(folder.url(), 5);
    auto const clean = read_file(folder.path("journal.db"));
    for (auto const& [sql, seq] : std::vector<std::pair<std::string, std::uint64_t>>{
             {"DELETE FROM record WHERE seq = 3", 3},
             {"DELETE FROM record WHERE seq = 5", 5},
             {"DELETE FROM record", 1},
             {"UPDATE head SET seq = 4", 5},
             {"UPDATE head SET seq = 6", 6},
             {"UPDATE head SET hash = replace(hash, substr(hash, 1, 1), 'z')", 5},
             {"DELETE FROM head", 5},
         }) {
        CAPTURE(sql);
        write_file(folder.path("journal.db"), clean);
        tamper(folder.path("journal.db"), sql);
        CHECK(problem_at(folder.url()) == seq);
    }
}

TEST_CASE("verify notices a rewritten record even where the chain was made to fit again") {
    TempFolder const folder;
    make_journal(folder.url(), 3);
    auto const path = folder.path("journal.db");
    // The last record rewritten with a correct hash of its own: only the head row tells.
    Record forged = read_all(*open(folder.url(), OpenMode::read_only)).back();
    forged.body = "{}";
    tamper(path, "UPDATE record SET body = '{}', hash = '" + hash_of(forged) + "' WHERE seq = 3");
    CHECK(problem_at(folder.url()) == 3);
}

TEST_CASE("a journal with a damaged end is not written to, and stays as it is") {
    TempFolder const folder;
    make_journal(folder.url(), 3);
    auto const path = folder.path("journal.db");
    auto const clean = read_file(path);
    for (auto const* sql :
         {"DELETE FROM record WHERE seq = 3", "UPDATE head SET seq = 2",
          "UPDATE record SET body = '{}' WHERE seq = 3", "DELETE FROM head",
          "UPDATE head SET hash = 'x'"}) {
        CAPTURE(sql);
        write_file(path, clean);
        tamper(path, sql);
        auto const error = refusal(folder.url(), path);
        CHECK(error.code == Errc::corrupt);
        CHECK(error.what.find("restore") != std::string::npos);
    }
}

// The property behind the promise: no single changed byte of the file gives another journal that
// is taken for a good one.
TEST_CASE("whatever byte of the file is changed, records are never read back different unnoticed") {
    TempFolder const folder;
    make_journal(folder.url(), 3);
    auto const path = folder.path("journal.db");
    auto const clean = read_file(path);
    auto const records = read_all(*open(folder.url(), OpenMode::read_only));
    // Every byte of the records, and a stride through all the rest.
    auto const from = clean.find(records.back().boot_id) - 64;
    auto const to = clean.rfind(records.front().hash) + 64;
    REQUIRE(from < to);
    std::size_t noticed = 0;
    for (std::size_t i = 0; i < clean.size(); i += i >= from && i < to ? 1 : 61) {
        auto changed = clean;
        changed[i] = static_cast<char>(changed[i] ^ (1 << (i % 8)));
        write_file(path, changed);
        auto const journal = open_journal(folder.url(), OpenMode::read_only);
        if (!journal) {
            ++noticed;
            continue;
        }
        auto const report = verify_journal(**journal);
        if (!report || report->problem) {
            ++noticed;
            continue;
        }
        CAPTURE(i);
        CHECK(read_all(**journal) == records);
    }
    CHECK(noticed > to - from - 200);
}

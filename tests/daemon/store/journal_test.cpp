#include "daemon/store/journal.hpp"

#include "tests/catch.hpp"
#include "tests/daemon/store/support/server.hpp"

using namespace rollbackd;
using namespace rollbackd::store_test;

// What every store promises is asked of each.
#define EACH_STORE(store)                                                               \
    AnyStore const store(GENERATE(AnyStore::Kind::sqlite, AnyStore::Kind::postgresql)); \
    if (!store.usable()) return;                                                        \
    CAPTURE(store.url())

TEST_CASE("records come back exactly as append returned them, over a reopening") {
    EACH_STORE(store);
    std::vector<Record> written;
    {
        auto const journal = open(store.url());
        CHECK(journal->last_seq() == 0);
        CHECK(journal->last_hash() == genesis_hash);
        for (int i = 0; i < 3; ++i) {
            auto const records = journal->append(drafts(2, 10 * i), at(i), boot_id);
            REQUIRE(records.has_value());
            written.insert(written.end(), records->begin(), records->end());
        }
    }
    auto const journal = open(store.url());
    CHECK(read_all(*journal) == written);
    CHECK(journal->last_seq() == 6);
    CHECK(journal->last_hash() == written.back().hash);
    REQUIRE(written.size() == 6);
    CHECK(written[0].prev == genesis_hash);
    CHECK(written[3].prev == written[2].hash);
    CHECK(written[4].boot_id == boot_id);
    CHECK(written[4].at == at(2).wall);
    CHECK(written[4].boot == at(2).boot);
}

TEST_CASE("reading starts anywhere, keeps to its limit and ends with an empty answer") {
    EACH_STORE(store);
    make_journal(store.url(), 5);
    auto const journal = open(store.url(), OpenMode::read_only);
    auto const middle = journal->read(2, 2);
    REQUIRE(middle.has_value());
    REQUIRE(middle->size() == 2);
    CHECK(middle->front().seq == 2);
    CHECK(middle->back().seq == 3);
    CHECK(journal->read(6, 10)->empty());
}

TEST_CASE("a large body bounds what one read brings, and nothing is left out") {
    EACH_STORE(store);
    auto const journal = open(store.url());
    for (int i = 0; i < 4; ++i) {
        RecordDraft draft{"test.large", Json(std::string(3U << 20U, 'x'))};
        REQUIRE(journal->append(std::span(&draft, 1), at(i), boot_id));
    }
    auto const first = journal->read(1, 100);
    REQUIRE(first.has_value());
    CHECK(first->size() == 2);
    CHECK(read_all(*journal).size() == 4);
}

TEST_CASE("appending nothing writes nothing") {
    EACH_STORE(store);
    auto const journal = open(store.url());
    CHECK(journal->append({}, at(0), boot_id)->empty());
    CHECK(journal->last_seq() == 0);
}

TEST_CASE("one draft that no journal can hold keeps the whole append out") {
    EACH_STORE(store);
    auto const journal = open(store.url());
    auto wrong = drafts(2);
    wrong.back().kind = "two\nlines";
    auto const refused = journal->append(wrong, at(0), boot_id);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == Errc::invalid);
    CHECK(read_all(*journal).empty());
    CHECK(journal->append(drafts(1), at(0), boot_id));
}

TEST_CASE("a reader beside the running daemon sees every finished append and writes nothing") {
    EACH_STORE(store);
    auto const writer = open(store.url());
    REQUIRE(writer->append(drafts(2), at(0), boot_id));
    auto const reader = open(store.url(), OpenMode::read_only);
    CHECK(reader->last_seq() == 2);
    REQUIRE(writer->append(drafts(3), at(1), boot_id));
    CHECK(read_all(*reader).size() == 5);
    CHECK(reader->last_seq() == 2);
    REQUIRE(reader->reread_tail());
    CHECK(reader->last_seq() == 5);
    CHECK(reader->append(drafts(1), at(2), boot_id).error().code == Errc::forbidden);
    CHECK(reader->lease() == nullptr);
    auto const report = verify_journal(*reader);
    REQUIRE(report.has_value());
    CHECK(report->records == 5);
    CHECK_FALSE(report->problem.has_value());
}

TEST_CASE("every opening for writing takes a higher epoch, and records carry it") {
    EACH_STORE(store);
    for (std::uint64_t epoch = 1; epoch <= 3; ++epoch) {
        auto const journal = open(store.url());
        REQUIRE(journal->lease() != nullptr);
        CHECK(journal->lease()->epoch() == epoch);
        CHECK(journal->lease()->renew(at(0)));
        CHECK(journal->append(drafts(1), at(0), boot_id)->front().epoch == epoch);
    }
    CHECK_FALSE(verify(store.url()).problem);
}

TEST_CASE("a holder whose epoch was overtaken can neither append nor save nor renew") {
    EACH_STORE(store);
    auto const stale = open(store.url());
    REQUIRE(stale->append(drafts(1), at(0), boot_id));
    store.tamper("UPDATE head SET epoch = epoch + 1");
    CHECK(stale->append(drafts(1), at(1), boot_id).error().code == Errc::conflict);
    CHECK(stale->lease()->renew(at(1)).error().code == Errc::conflict);
    CHECK(stale->reread_tail().error().code == Errc::conflict);
    Checkpoint const checkpoint{"state", 1, stale->last_hash(), "{}"};
    CHECK(stale->save_checkpoints(std::span(&checkpoint, 1)).error().code == Errc::conflict);
    CHECK(read_all(*stale).size() == 1);
}

TEST_CASE("checkpoints of several names are replaced together and come back") {
    EACH_STORE(store);
    make_journal(store.url(), 3);
    {
        auto const journal = open(store.url());
        std::vector<Checkpoint> saved{
            {"state", 3, journal->last_hash(), "{\"a\":1}"},
            {"windows", 3, journal->last_hash(), std::string(100'000, 'w')},
            {"empty", 0, std::string(genesis_hash), ""},
        };
        REQUIRE(journal->save_checkpoints(saved));
        saved[0].text = "{\"a\":2}";
        REQUIRE(journal->save_checkpoints(saved));
    }
    auto const journal = open(store.url(), OpenMode::read_only);
    CHECK(journal->load_checkpoint("state").value()->text == "{\"a\":2}");
    CHECK(journal->load_checkpoint("state").value()->seq == 3);
    CHECK(journal->load_checkpoint("windows").value()->text.size() == 100'000);
    CHECK(journal->load_checkpoint("empty").value()->text.empty());
    CHECK_FALSE(journal->load_checkpoint("other").value().has_value());
}

TEST_CASE("a checkpoint that is damaged or fits no record is as good as none") {
    EACH_STORE(store);
    auto const journal = open(store.url());
    REQUIRE(journal->append(drafts(2), at(0), boot_id));
    std::vector<Checkpoint> const saved{
        {"other-hash", 1, journal->last_hash(), "x"},
        {"ahead", 3, journal->last_hash(), "x"},
        {"changed", 2, journal->last_hash(), "x"},
        {"good", 2, journal->last_hash(), "x"},
    };
    REQUIRE(journal->save_checkpoints(saved));
    store.tamper("UPDATE checkpoint SET text = 'y' WHERE name = 'changed'");
    CHECK_FALSE(journal->load_checkpoint("other-hash").value().has_value());
    CHECK_FALSE(journal->load_checkpoint("ahead").value().has_value());
    CHECK_FALSE(journal->load_checkpoint("changed").value().has_value());
    CHECK(journal->load_checkpoint("good").value().has_value());
}

TEST_CASE("the database itself refuses to change, remove or squeeze in a record") {
    EACH_STORE(store);
    make_journal(store.url(), 2);
    for (auto const* sql :
         {"UPDATE record SET body = '{}' WHERE seq = 1", "DELETE FROM record",
          "INSERT OR REPLACE INTO record SELECT * FROM record WHERE seq = 1",
          "INSERT INTO record SELECT 9, at, boot, boot_id, epoch, kind, body, hash, hash "
          "FROM record WHERE seq = 2",
          "DELETE FROM head", "UPDATE head SET seq = 1", "UPDATE head SET epoch = 0"}) {
        CAPTURE(sql);
        CHECK_FALSE(store.run_sql(sql));
    }
    CHECK(verify(store.url()).records == 2);
}

// Files out there depend on it: a new hash is a new format.
TEST_CASE("the hash of format 1 never changes") {
    EACH_STORE(store);
    auto const journal = open(store.url());
    RecordDraft const draft{"test.record", Json(JsonObject{{"n", 1}})};
    auto const records = journal->append(std::span(&draft, 1), at(1), boot_id);
    REQUIRE(records.has_value());
    std::string const text = std::string(genesis_hash) +
                             "\n1\n2026-01-31T00:00:01.000000Z\n1001000000000\n" + boot_id +
                             "\n1\ntest.record\n{\"n\":1}";
    CHECK(records->front().hash == sha256_hex(text));
}

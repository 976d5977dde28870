// Databases the journal must not touch, each refused with a sentence that says how to mend it, and
// what a database changes of what is written.
#include "daemon/store/postgres.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/store/support/server.hpp"

using namespace rollbackd;
using namespace rollbackd::store_test;

namespace {

struct Fresh {
    Server* server = Server::get();
    std::string database = server != nullptr ? server->new_database() : "";

    bool run(std::string const& sql) const { return server->run_sql(database, sql); }
    std::string url(std::string const& user = "test") const { return server->url(database, user); }
    std::string dump() const {
        return server->ask(
            database,
            "SELECT string_agg(n.nspname || '.' || c.relname, ' ' ORDER BY 1) FROM pg_class c "
            "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname NOT LIKE 'pg_%' "
            "AND n.nspname <> 'information_schema'"
        );
    }
    /// The error of opening it, with the proof that it was left as it was.
    Error refusal(std::string const& user = "test", OpenMode mode = OpenMode::read_write) const {
        auto const before = dump();
        auto const journal = open_journal(url(user), mode);
        CHECK(dump() == before);
        REQUIRE_FALSE(journal.has_value());
        CHECK_FALSE(journal.error().where.empty());
        INFO(to_string(journal.error()));
        return journal.error();
    }
};

bool says(Error const& error, std::string const& text) {
    UNSCOPED_INFO(to_string(error));
    return error.what.find(text) != std::string::npos;
}

}  // namespace

#define FRESH(fresh)   \
    Fresh const fresh; \
    if (fresh.server == nullptr) return

TEST_CASE("a journal litters no shared database: one schema of its own holds all of it") {
    FRESH(fresh);
    REQUIRE(fresh.run("CREATE TABLE record(a int)"));
    open(fresh.url());
    CHECK(
        fresh.server->ask(
            fresh.database,
            "SELECT string_agg(DISTINCT n.nspname, ' ') FROM pg_class c JOIN pg_namespace n "
            "ON n.oid = c.relnamespace WHERE n.nspname NOT LIKE 'pg_%' "
            "AND n.nspname <> 'information_schema'"
        ) == "public rollbackd"
    );
}

TEST_CASE("a journal that nobody has begun yet is not made by a reader") {
    FRESH(fresh);
    auto const error = fresh.refusal("test", OpenMode::read_only);
    CHECK(error.code == Errc::not_found);
}

TEST_CASE("a schema of another program, and one that was changed, are refused") {
    FRESH(fresh);
    SECTION("of another program") {
        REQUIRE(fresh.run("CREATE SCHEMA rollbackd; CREATE TABLE rollbackd.customer(a int)"));
        CHECK(says(fresh.refusal(), "another program; point daemon.store"));
    }
    SECTION("an empty one that an administrator has made is used") {
        REQUIRE(fresh.run("CREATE SCHEMA rollbackd"));
        CHECK(open(fresh.url())->last_seq() == 0);
    }
    SECTION("of a newer format") {
        make_journal(fresh.url(), 1);
        REQUIRE(fresh.run("UPDATE rollbackd.format SET version = 2"));
        CHECK(says(fresh.refusal(), "journal format 2, this one knows 1"));
    }
    SECTION("without one of its guards") {
        make_journal(fresh.url(), 1);
        REQUIRE(fresh.run("DROP TRIGGER record_keep ON rollbackd.record"));
        CHECK(fresh.refusal().code == Errc::corrupt);
    }
    SECTION("with a column more") {
        make_journal(fresh.url(), 1);
        REQUIRE(fresh.run("ALTER TABLE rollbackd.head ADD COLUMN more int"));
        CHECK(fresh.refusal().code == Errc::corrupt);
    }
    SECTION("with a damaged end") {
        make_journal(fresh.url(), 3);
        REQUIRE(fresh.run(
            "SET session_replication_role = replica; DELETE FROM rollbackd.record WHERE seq = 3"
        ));
        CHECK(says(fresh.refusal(), "restore the store from a backup"));
    }
}

TEST_CASE("who may not, or only read, is told what to do") {
    FRESH(fresh);
    REQUIRE(fresh.run("DROP ROLE IF EXISTS guest; CREATE ROLE guest LOGIN"));
    SECTION("to make the schema") {
        auto const error = fresh.refusal("guest");
        CHECK(error.code == Errc::forbidden);
        CHECK(says(error, "let the user guest own the schema rollbackd"));
    }
    SECTION("to read another one's") {
        make_journal(fresh.url(), 1);
        CHECK(says(fresh.refusal("guest"), "let the user guest own the schema rollbackd"));
    }
    SECTION("to write at all") {
        REQUIRE(fresh.run("ALTER ROLE guest SET default_transaction_read_only = on"));
        CHECK(says(fresh.refusal("guest"), "may only be read by the user guest"));
    }
    SECTION("to log in") {
        REQUIRE(fresh.run("ALTER ROLE guest NOLOGIN"));
        auto const error = fresh.refusal("guest");
        CHECK(error.code == Errc::forbidden);
        CHECK(says(error, "not permitted to log in"));
    }
    REQUIRE(fresh.run("DROP OWNED BY guest; DROP ROLE guest"));
}

TEST_CASE("a database or server that is not there is named, its password never") {
    FRESH(fresh);
    auto const nowhere =
        open_journal("postgresql://test:s3cret@127.0.0.1:1/rollbackd", OpenMode::read_write);
    CHECK(nowhere.error().code == Errc::unavailable);
    CHECK(nowhere.error().where == "127.0.0.1:1/rollbackd");
    auto url = fresh.server->url("none");
    url.insert(url.find('@'), ":s3cret");
    auto const missing = open_journal(url, OpenMode::read_write);
    CHECK(says(missing.error(), "create what is missing"));
    auto const garbled = open_journal("postgresql://test:s3cret@[", OpenMode::read_write);
    CHECK(garbled.error().code == Errc::invalid);
    for (auto const* one : {&nowhere, &missing, &garbled}) {
        CHECK(to_string(one->error()).find("s3cret") == std::string::npos);
    }
    CHECK(postgres::holds_password(url));
    CHECK_FALSE(postgres::holds_password(fresh.url()));
}

TEST_CASE("bytes that are no text in the database's encoding come back as they were") {
    FRESH(fresh);
    auto const journal = open(fresh.url());
    RecordDraft const draft{"test.bytes", Json(std::string("\xff\xfe\x01 \\ ' \xc3"))};
    auto const written = journal->append(std::span(&draft, 1), at(0), boot_id);
    REQUIRE(written.has_value());
    CHECK(read_all(*journal) == *written);
    Checkpoint const checkpoint{"state", 1, journal->last_hash(), std::string("\0\xff\\x00", 6)};
    REQUIRE(journal->save_checkpoints(std::span(&checkpoint, 1)));
    CHECK(journal->load_checkpoint("state").value() == checkpoint);
}

TEST_CASE("more records than one statement takes are one append") {
    FRESH(fresh);
    auto const journal = open(fresh.url());
    REQUIRE(journal->append(drafts(1200), at(0), boot_id));
    CHECK(journal->last_seq() == 1200);
    CHECK(verify(fresh.url()).records == 1200);
}

TEST_CASE("what was confirmed is on disk, whatever the database's own settings say") {
    FRESH(fresh);
    REQUIRE(fresh.run("ALTER DATABASE " + fresh.database + " SET synchronous_commit = off"));
    auto connection = postgres::Connection::open({fresh.url(), ""});
    REQUIRE(connection.has_value());
    CHECK(connection->execute("SHOW synchronous_commit")->text(0, 0) == "on");
}

TEST_CASE("the hash of a record can be computed in the database, as docs/journal.md says") {
    FRESH(fresh);
    make_journal(fresh.url(), 2);
    CHECK(
        fresh.server->ask(
            fresh.database,
            "SELECT bool_and(hash = encode(sha256(convert_to(concat_ws(E'\\n', prev, seq, "
            "to_char(to_timestamp(at / 1000000) AT TIME ZONE 'UTC', "
            "'YYYY-MM-DD\"T\"HH24:MI:SS') || '.' || lpad((at % 1000000)::text, 6, '0') || 'Z', "
            "boot, boot_id, epoch, kind, ''), 'UTF8') || body), 'hex')) FROM rollbackd.record"
        ) == "t"
    );
}

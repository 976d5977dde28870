// Two daemons on one store: at most one may write, whatever is paused, lost or answered late.
#include "daemon/store/postgres.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/store/support/proxy.hpp"
#include "tests/daemon/store/support/server.hpp"

using namespace rollbackd;
using namespace rollbackd::store_test;

namespace {

StoreOptions node(std::string const& name) {
    StoreOptions options;
    options.node = "node of " + name;
    options.name = name;
    return options;
}

/// A database for one test, and the daemons that share it.
class Shared {
public:
    Shared() {
        if (server_ != nullptr) database_ = server_->new_database();
    }
    bool usable() const { return server_ != nullptr; }
    Server& server() const { return *server_; }
    std::string const& database() const { return database_; }
    std::string url() const { return server_->url(database_); }

    Result<std::unique_ptr<Journal>> ask(std::string const& name) const {
        return open_journal(url(), OpenMode::read_write, node(name));
    }
    std::unique_ptr<Journal> open_as(std::string const& name) const {
        auto journal = ask(name);
        INFO((journal ? std::string() : to_string(journal.error())));
        REQUIRE(journal.has_value());
        return std::move(*journal);
    }
    /// As when nobody has renewed it for long enough.
    void let_lease_run_out() const {
        REQUIRE(server_->run_sql(
            database_, "UPDATE rollbackd.head SET until = clock_timestamp() - interval '1 second'"
        ));
    }

private:
    Server* server_ = Server::get();
    std::string database_;
};

}  // namespace

#define SHARED(shared)   \
    Shared const shared; \
    if (!shared.usable()) return

TEST_CASE("while one holds the lease the other is told who, and takes over when it stops") {
    SHARED(shared);
    auto first = shared.open_as("web1");
    CHECK(first->lease()->epoch() == 1);
    auto const refused = shared.ask("web2");
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == Errc::conflict);
    CHECK(refused.error().what.find("web1 holds the lease") != std::string::npos);
    auto const watcher = open(shared.url(), OpenMode::read_only);
    auto const holder = watcher->holder();
    REQUIRE((holder && *holder));
    CHECK((*holder)->name == "web1");
    CHECK((*holder)->left > lease_ttl - std::chrono::seconds(5));
    CHECK((*holder)->left <= lease_ttl);
    REQUIRE(first->append(drafts(2), at(0), boot_id));
    first.reset();
    CHECK_FALSE(watcher->holder()->has_value());
    auto const second = shared.open_as("web2");
    CHECK(second->lease()->epoch() == 2);
    CHECK(second->last_seq() == 2);
}

TEST_CASE("a lease that ran out is taken, and what its former holder appends is refused") {
    SHARED(shared);
    auto const first = shared.open_as("web1");
    REQUIRE(first->append(drafts(1), at(0), boot_id));
    shared.let_lease_run_out();
    auto const second = shared.open_as("web2");
    auto const late = first->append(drafts(1), at(1), boot_id);
    REQUIRE_FALSE(late.has_value());
    CHECK(late.error().code == Errc::conflict);
    CHECK(late.error().what.find("web2 has taken over") != std::string::npos);
    CHECK(first->lease()->renew(at(1)).error().code == Errc::conflict);
    CHECK(first->reread_tail().error().code == Errc::conflict);
    Checkpoint const checkpoint{"state", 1, first->last_hash(), "{}"};
    CHECK(first->save_checkpoints(std::span(&checkpoint, 1)).error().code == Errc::conflict);
    CHECK(read_all(*second).size() == 1);
    REQUIRE(second->append(drafts(1), at(2), boot_id));
    CHECK_FALSE(verify(shared.url()).problem);
}

TEST_CASE("a former holder that ends does not end the lease of the one who took over") {
    SHARED(shared);
    auto first = shared.open_as("web1");
    shared.let_lease_run_out();
    auto const second = shared.open_as("web2");
    first.reset();
    CHECK(shared.ask("web3").error().code == Errc::conflict);
    CHECK(second->append(drafts(1), at(0), boot_id));
}

TEST_CASE("a lease nobody has asked for since goes on where it is renewed, by a call or a record") {
    SHARED(shared);
    auto const first = shared.open_as("web1");
    shared.let_lease_run_out();
    REQUIRE(first->lease()->renew(at(0)));
    CHECK(shared.ask("web2").error().code == Errc::conflict);
    shared.let_lease_run_out();
    REQUIRE(first->append(drafts(1), at(1), boot_id));
    CHECK(shared.ask("web2").error().code == Errc::conflict);
}

TEST_CASE("the holder relies on its lease from before it asked, and shorter than the store") {
    SHARED(shared);
    auto const journal = shared.open_as("web1");
    CHECK(journal->lease()->expires() < at(0).boot);
    REQUIRE(journal->lease()->renew(at(10)));
    CHECK(journal->lease()->expires() == at(10).boot + lease_relied);
    REQUIRE(journal->append(drafts(1), at(20), boot_id));
    CHECK(journal->lease()->expires() == at(20).boot + lease_relied);
    shared.server().stop();
    CHECK(journal->lease()->renew(at(25)).error().code == Errc::unavailable);
    CHECK(journal->append(drafts(1), at(25), boot_id).error().code == Errc::unavailable);
    CHECK(journal->lease()->expires() == at(20).boot + lease_relied);
    shared.server().start();
    CHECK(lease_relied + std::chrono::seconds(5) <= lease_ttl);
}

TEST_CASE("a daemon that died takes its own lease again at once: its folder of steps was free") {
    SHARED(shared);
    auto const dead = shared.open_as("web1");
    auto const again = shared.open_as("web1");
    CHECK(again->lease()->epoch() == 2);
    CHECK(dead->append(drafts(1), at(0), boot_id).error().code == Errc::conflict);
    auto const nameless = open_journal(shared.url(), OpenMode::read_write);
    CHECK(nameless.error().code == Errc::conflict);
}

TEST_CASE("a holder that stands still in the middle of a transaction holds nobody up for long") {
    SHARED(shared);
    auto const first = shared.open_as("web1");
    auto paused = postgres::Connection::open({shared.url(), ""});
    REQUIRE(paused.has_value());
    REQUIRE(paused->execute("BEGIN; SELECT * FROM rollbackd.head FOR UPDATE"));
    auto const refused = first->append(drafts(1), at(0), boot_id);
    CHECK(refused.error().code == Errc::unavailable);
    // By then the server has ended the transaction that stood still.
    auto const written = first->append(drafts(1), at(1), boot_id);
    CHECK(written.has_value());
    CHECK_FALSE(paused->execute("COMMIT").has_value());
}

TEST_CASE("an append to a server that is gone writes nothing, and works again once it is back") {
    SHARED(shared);
    auto const journal = shared.open_as("web1");
    REQUIRE(journal->append(drafts(1), at(0), boot_id));
    shared.server().stop();
    CHECK(journal->append(drafts(1, 2), at(1), boot_id).error().code == Errc::unavailable);
    auto const refused = journal->append(drafts(1, 2), at(1), boot_id);
    CHECK(refused.error().code == Errc::unavailable);
    CHECK(refused.error().what.find("start the server") != std::string::npos);
    CHECK(journal->stored_tail().error().code == Errc::unavailable);
    shared.server().start();
    CHECK(journal->append(drafts(1, 2), at(2), boot_id).has_value());
    CHECK(read_all(*journal).size() == 2);
}

TEST_CASE("a server that takes connections and answers nothing is not waited for without end") {
    SHARED(shared);
    auto const journal = shared.open_as("web1");
    shared.server().hang();
    auto const refused = journal->append(drafts(1), at(0), boot_id);
    auto const again = journal->lease()->renew(at(0));
    shared.server().go_on();
    CHECK(refused.error().code == Errc::unavailable);
    CHECK(again.error().code == Errc::unavailable);
    CHECK(journal->append(drafts(1), at(0), boot_id).has_value());
}

TEST_CASE("a commit whose answer is lost is unknown, and the store's tail says whether it was") {
    SHARED(shared);
    auto const folder = std::filesystem::path(shared.server().folder());
    Proxy proxy(folder.string());
    std::string host;
    for (char const c : proxy.folder()) host += c == '/' ? "%2F" : std::string(1, c);
    auto const journal = open("postgresql://test@" + host + "/" + shared.database());
    REQUIRE(journal->append(drafts(1), at(0), boot_id));
    SECTION("it was carried out") {
        proxy.swallow_next_commit();
        CHECK(journal->append(drafts(2, 2), at(1), boot_id).error().code == Errc::timeout);
        CHECK(journal->append(drafts(2, 2), at(1), boot_id).error().code == Errc::timeout);
        REQUIRE(journal->reread_tail());
        CHECK(journal->last_seq() == 3);
    }
    SECTION("it was not") {
        proxy.lose_next_commit();
        CHECK(journal->append(drafts(2, 2), at(1), boot_id).error().code == Errc::timeout);
        REQUIRE(journal->reread_tail());
        CHECK(journal->last_seq() == 1);
        REQUIRE(journal->append(drafts(2, 2), at(1), boot_id));
    }
    CHECK(journal->append(drafts(1, 4), at(2), boot_id).has_value());
    CHECK(read_all(*journal).size() == 4);
    CHECK_FALSE(verify(shared.url()).problem);
}

TEST_CASE("a database that lost its newest records is not written on: start again from it") {
    SHARED(shared);
    auto const journal = shared.open_as("web1");
    REQUIRE(journal->append(drafts(2), at(0), boot_id));
    REQUIRE(shared.server().run_sql(
        shared.database(),
        "SET session_replication_role = replica; DELETE FROM rollbackd.record WHERE seq = 2; "
        "UPDATE rollbackd.head SET seq = 1, hash = (SELECT hash FROM rollbackd.record)"
    ));
    auto const refused = journal->append(drafts(1), at(1), boot_id);
    CHECK(refused.error().code == Errc::conflict);
    CHECK(refused.error().what.find("restored") != std::string::npos);
}

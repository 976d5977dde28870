// Against a real PostgreSQL of its own, on a Unix socket in a temporary folder.
#include "core/io/postgres.hpp"

#include "core/io/deadline.hpp"
#include "core/io/process.hpp"
#include "tests/catch.hpp"
#include "tests/core/io/support/loop.hpp"
#include "tests/core/io/support/server.hpp"
#include "tests/core/io/support/temp_folder.hpp"

#include <csignal>
#include <cstdlib>

using namespace rollbackd;
using namespace rollbackd::testing;
using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace fs = std::filesystem;

// A query that outlives its limit is left behind with its thread; what libpq holds for it then is
// still in use when the process ends.
extern "C" char const* __lsan_default_suppressions();
extern "C" char const* __lsan_default_suppressions() { return "leak:libpq.so\n"; }

namespace {

std::string program_folder() {
    std::string newest;
    std::error_code none;
    for (auto const& entry : fs::directory_iterator("/usr/lib/postgresql", none)) {
        auto const folder = entry.path().string() + "/bin";
        if (fs::exists(folder + "/initdb")) newest = std::max(newest, folder);
    }
    return newest;
}

/// PostgreSQL refuses to run as root: everything is done as nobody then.
std::vector<std::string> as_user(std::vector<std::string> argv) {
    if (::geteuid() != 0) return argv;
    std::vector<std::string> out{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"};
    out.insert(out.end(), argv.begin(), argv.end());
    return out;
}

class PostgresServer {
public:
    PostgresServer() : bin_(program_folder()) {
        if (bin_.empty()) return;
        if (::geteuid() == 0) fs::permissions(folder_.path(), fs::perms::all);
        must({bin_ + "/initdb", "-D", data(), "-A", "trust", "-U", "tester", "-N"});
        ProcessSpec spec;
        spec.argv = as_user(
            {bin_ + "/postgres", "-D", data(), "-k", folder_.path(), "-c",
             "listen_addresses=", "-c", "fsync=off"}
        );
        auto started = Child::start(loop_.executor(), spec);
        REQUIRE(started);
        child_ = std::move(*started);
    }
    ~PostgresServer() {
        if (!child_) return;
        ::kill(child_->pid(), SIGQUIT);
        (void)loop_.run(child_->wait(30s));
    }

    bool is_there() const { return child_.has_value(); }
    std::string dsn() const { return "host=" + folder_.path() + " user=tester dbname=postgres"; }
    Result<std::string> ask(std::string query, Duration limit = 30s) {
        return loop_.run(query_text(pool_, dsn(), std::move(query), limit));
    }
    bool wait_until_ready() { return loop_.run(answers()); }

private:
    asio::awaitable<bool> answers() {
        for (int i = 0; i < 600; ++i) {
            auto const answer = co_await query_text(pool_, dsn(), "SELECT 1", 5s);
            if (answer) co_return true;
            co_await sleep_for(50ms);
        }
        co_return false;
    }
    void must(std::vector<std::string> argv) {
        ProcessSpec spec;
        spec.argv = as_user(std::move(argv));
        auto const result = loop_.run(run_process(spec));
        REQUIRE(result);
        INFO(result->errors);
        REQUIRE(result->ok());
    }
    std::string data() const { return folder_.path("data"); }

    std::string bin_;
    TempFolder folder_;
    Loop loop_;
    BlockingPool pool_;
    std::optional<Child> child_;
};

}  // namespace

TEST_CASE("PostgreSQL is asked for one value, read-only and with a limit") {
    PostgresServer server;
    if (!server.is_there()) {
        auto const* const ci = std::getenv("CI");
        if (ci != nullptr && std::string(ci) == "true") FAIL("no PostgreSQL server is installed");
        WARN("skipped: no PostgreSQL server is installed (apt-get install postgresql-15)");
        return;
    }
    REQUIRE(server.wait_until_ready());
    CHECK(server.ask("SELECT max(n) FROM generate_series(1, 42) AS n") == "42");
    CHECK(server.ask("SELECT 1 WHERE false").error().code == Errc::not_found);
    CHECK(server.ask("SELECT NULL").error().code == Errc::not_found);
    auto const wrong = server.ask("SELECT version FROM schema_migrations");
    CHECK(wrong.error().code == Errc::invalid);
    CHECK(wrong.error().what.find("schema_migrations") != std::string::npos);
    CHECK(server.ask("CREATE TABLE t (n int)").error().code == Errc::invalid);
    CHECK(server.ask("SELECT pg_sleep(1000)", 1s).error().code == Errc::timeout);
}

TEST_CASE("a PostgreSQL that is not there, hangs or is misspelt is told without its password") {
    Loop loop;
    BlockingPool pool;
    auto const ask = [&](std::string dsn, Duration limit) {
        auto answer = loop.run(query_text(pool, std::move(dsn), "SELECT 1", limit));
        REQUIRE_FALSE(answer);
        CHECK(to_string(answer.error()).find("hunter22") == std::string::npos);
        return answer.error().code;
    };
    auto const port = std::to_string(closed_port());
    CHECK(ask("postgresql://app:hunter22@127.0.0.1:" + port + "/shop", 10s) == Errc::unavailable);
    CHECK(ask("host=127.0.0.1 passwrd=hunter22", 10s) == Errc::invalid);
    TestServer const hanging([](Peer const& peer) { peer.hang(); });
    auto const address = std::to_string(hanging.port());
    CHECK(ask("postgresql://app:hunter22@127.0.0.1:" + address + "/shop", 100ms) == Errc::timeout);
}

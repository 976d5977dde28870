#include "tests/daemon/store/support/server.hpp"

#include "daemon/store/postgres.hpp"
#include "tests/catch.hpp"

#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cstdlib>
#include <sstream>

namespace rollbackd::store_test {

namespace fs = std::filesystem;

namespace {

std::string find_binaries() {
    std::error_code code;
    std::string newest;
    for (auto const& version : fs::directory_iterator("/usr/lib/postgresql", code)) {
        auto const bin = version.path() / "bin";
        if (::access((bin / "initdb").c_str(), X_OK) == 0) newest = std::max(newest, bin.string());
    }
    return newest;
}

// PostgreSQL refuses to run as root.
void become_nobody() {
    if (::geteuid() != 0) return;
    auto const* const nobody = ::getpwnam("nobody");
    if (nobody == nullptr || ::setgid(nobody->pw_gid) != 0 || ::setuid(nobody->pw_uid) != 0) {
        ::_exit(126);
    }
}

pid_t spawn(std::vector<std::string> const& argv, std::string const& log) {
    auto const parent = ::getpid();
    auto const child = ::fork();
    REQUIRE(child >= 0);
    if (child > 0) return child;
    if (std::freopen(log.c_str(), "a", stdout) == nullptr) ::_exit(126);
    ::dup2(STDOUT_FILENO, STDERR_FILENO);
    become_nobody();
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(126);
    ::setenv("HOME", "/", 1);
    std::vector<char*> raw;
    for (auto const& word : argv) raw.push_back(const_cast<char*>(word.c_str()));
    raw.push_back(nullptr);
    ::execv(raw[0], raw.data());
    ::_exit(127);
}

}  // namespace

Server* Server::get() {
    static auto const binaries = find_binaries();
    if (binaries.empty()) {
        WARN("SKIPPED_BECAUSE there is no PostgreSQL in /usr/lib/postgresql");
        return nullptr;
    }
    static std::unique_ptr<Server> server(new Server(binaries));
    if (server->process_ < 0) server->start();
    return server.get();
}

Server::Server(std::string binaries) : binaries_(std::move(binaries)) {
    REQUIRE(::chmod(folder_.path("").c_str(), 0777) == 0);
    auto const made = spawn(
        {binaries_ + "/initdb", "-D", folder_.path("data"), "-U", "test", "-A", "trust",
         "--no-sync", "--locale=C", "-E", "UTF8"},
        folder_.path("log")
    );
    int status = 0;
    REQUIRE(::waitpid(made, &status, 0) == made);
    INFO(read_file(folder_.path("log")));
    REQUIRE(status == 0);
}

Server::~Server() {
    if (process_ > 0) stop();
}

void Server::start(std::string const& options) {
    std::vector<std::string> argv{
        binaries_ + "/postgres", "-D", folder_.path("data"), "-k", folder_.path(""), "-c",
        "listen_addresses=",     "-c", "fsync=off"
    };
    if (!options.empty()) {
        argv.push_back("-c");
        argv.push_back(options);
    }
    process_ = spawn(argv, folder_.path("log"));
    pollfd ended{int(::syscall(SYS_pidfd_open, process_, 0)), POLLIN, 0};
    for (int i = 0; i < 600 && !answers() && ::poll(&ended, 1, 50) == 0; ++i) continue;
    ::close(ended.fd);
    INFO(read_file(folder_.path("log")));
    REQUIRE(answers());
}

bool Server::answers() const {
    return postgres::Connection::open({url("postgres"), ""}).has_value();
}

void Server::stop() {
    ::kill(process_, SIGCONT);
    ::kill(process_, SIGINT);  // ends its connections
    ::waitpid(process_, nullptr, 0);
    process_ = -1;
}

// The server and all who answer for it.
void Server::signal_all(int number) const {
    auto const pid = std::to_string(process_);
    std::istringstream children(read_file("/proc/" + pid + "/task/" + pid + "/children"));
    ::kill(process_, number);
    for (pid_t child = 0; children >> child;) ::kill(child, number);
}

void Server::hang() { signal_all(SIGSTOP); }
void Server::go_on() { signal_all(SIGCONT); }

std::string Server::url(std::string const& database, std::string const& user) const {
    std::string host;
    for (char const c : folder_.path("")) host += c == '/' ? "%2F" : std::string(1, c);
    return "postgresql://" + user + "@" + host + "/" + database;
}

std::string Server::new_database() {
    auto name = "t" + std::to_string(++databases_) + "_" + std::to_string(::getpid());
    REQUIRE(run_sql("postgres", "CREATE DATABASE " + name));
    return name;
}

bool Server::run_sql(std::string const& database, std::string const& sql) {
    auto connection = postgres::Connection::open({url(database), ""});
    REQUIRE(connection.has_value());
    auto const done = connection->execute(sql);
    UNSCOPED_INFO((done ? std::string() : to_string(done.error())));
    return done.has_value();
}

std::string Server::ask(std::string const& database, std::string const& sql) {
    auto connection = postgres::Connection::open({url(database), ""});
    REQUIRE(connection.has_value());
    auto const rows = connection->execute(sql);
    INFO((rows ? std::string() : to_string(rows.error())));
    REQUIRE(rows.has_value());
    return rows->size() == 0 ? std::string() : rows->text(0, 0);
}

AnyStore::AnyStore(Kind kind) : kind_(kind), url_(folder_.url()) {
    if (kind == Kind::sqlite) return;
    auto* const server = Server::get();
    usable_ = server != nullptr;
    if (!usable_) return;
    database_ = server->new_database();
    url_ = server->url(database_);
}

bool AnyStore::run_sql(std::string const& sql) const {
    if (kind_ == Kind::sqlite) return store_test::run_sql(folder_.path("journal.db"), sql);
    return Server::get()->run_sql(database_, "SET search_path = rollbackd; " + sql);
}

void AnyStore::tamper(std::string const& sql) const {
    if (kind_ == Kind::sqlite) {
        store_test::tamper(folder_.path("journal.db"), sql);
    } else {
        CHECK(run_sql("SET session_replication_role = replica; " + sql));
    }
}

}  // namespace rollbackd::store_test

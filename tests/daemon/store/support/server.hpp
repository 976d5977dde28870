// A private PostgreSQL for tests of the shared store: its own folder, a Unix socket, no port; gone
// with the process however that ends.
#pragma once

#include "tests/daemon/store/support/store.hpp"

#include <sys/types.h>

namespace rollbackd::store_test {

class Server {
public:
    /// nullptr where the machine has no PostgreSQL: the test says so and is skipped.
    static Server* get();
    ~Server();
    Server(Server const&) = delete;
    Server& operator=(Server const&) = delete;

    void start(std::string const& options = "");
    void stop();  // no answer: refused
    void hang();  // connections are accepted, and nobody answers
    void go_on();

    /// A fresh database of its own.
    std::string new_database();
    std::string url(std::string const& database, std::string const& user = "test") const;
    bool run_sql(std::string const& database, std::string const& sql);
    std::string ask(std::string const& database, std::string const& sql);
    std::string folder() const { return folder_.path(""); }

private:
    explicit Server(std::string binaries);
    bool answers() const;
    void signal_all(int number) const;

    TempFolder folder_;
    std::string binaries_;
    pid_t process_ = -1;
    int databases_ = 0;
};

/// A store of either kind, for what both promise.
class AnyStore {
public:
    enum class Kind { sqlite, postgresql };
    explicit AnyStore(Kind kind);

    /// false: the machine cannot make one.
    bool usable() const { return usable_; }
    std::string url() const { return url_; }
    /// SQL as any other program could run it; false where the database refuses it.
    bool run_sql(std::string const& sql) const;
    /// SQL behind the journal's back, its triggers set aside.
    void tamper(std::string const& sql) const;

private:
    Kind kind_;
    bool usable_ = true;
    TempFolder folder_;
    std::string database_;
    std::string url_;
};

}  // namespace rollbackd::store_test

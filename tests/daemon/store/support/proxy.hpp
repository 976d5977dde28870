// Stands between a store and its database, and swallows the answer to a COMMIT: what a lost
// connection looks like at the one moment at which nobody can know.
#pragma once

#include "tests/daemon/store/support/store.hpp"

#include <atomic>
#include <thread>

namespace rollbackd::store_test {

class Proxy {
public:
    /// `server`: folder of the database's socket.
    explicit Proxy(std::string server);
    ~Proxy();
    Proxy(Proxy const&) = delete;
    Proxy& operator=(Proxy const&) = delete;

    std::string folder() const { return folder_.path(""); }
    /// The next COMMIT is carried out, and the connection ends instead of an answer.
    void swallow_next_commit() { swallow_ = true; }
    /// The next COMMIT does not even get there.
    void lose_next_commit() { lose_ = true; }

private:
    void serve();
    void carry(int client);

    TempFolder folder_;
    std::string server_;
    int listener_ = -1;
    std::atomic<bool> swallow_ = false;
    std::atomic<bool> lose_ = false;
    std::atomic<bool> over_ = false;
    std::thread thread_;
};

}  // namespace rollbackd::store_test

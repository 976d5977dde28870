#include "tests/daemon/store/support/proxy.hpp"

#include "tests/catch.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <array>

namespace rollbackd::store_test {

namespace {

constexpr char const* socket_name = "/.s.PGSQL.5432";

sockaddr_un address_of(std::string const& folder) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    auto const path = folder + socket_name;
    REQUIRE(path.size() < sizeof(address.sun_path));
    path.copy(address.sun_path, path.size());
    return address;
}

/// What can be read now; empty: the other side has ended.
std::string take(int from) {
    std::array<char, 16384> buffer{};
    auto const got = ::read(from, buffer.data(), buffer.size());
    return std::string(buffer.data(), got > 0 ? std::size_t(got) : 0);
}

bool give(int to, std::string_view bytes) {
    while (!bytes.empty()) {
        auto const sent = ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(std::size_t(sent));
    }
    return true;
}

}  // namespace

Proxy::Proxy(std::string server) : server_(std::move(server)) {
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto const address = address_of(folder());
    REQUIRE(::bind(listener_, reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener_, 8) == 0);
    thread_ = std::thread([this] { serve(); });
}

Proxy::~Proxy() {
    over_ = true;
    thread_.join();
    ::close(listener_);
}

// One connection after the other: a store has one at a time.
void Proxy::serve() {
    while (!over_) {
        pollfd ready{listener_, POLLIN, 0};
        if (::poll(&ready, 1, 20) <= 0) continue;
        int const client = ::accept(listener_, nullptr, nullptr);
        if (client < 0) continue;
        carry(client);
        ::close(client);
    }
}

void Proxy::carry(int client) {
    int const server = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto const address = address_of(server_);
    bool up = ::connect(server, reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0;
    bool swallowing = false;
    while (up && !over_) {
        std::array<pollfd, 2> ends{pollfd{client, POLLIN, 0}, pollfd{server, POLLIN, 0}};
        if (::poll(ends.data(), ends.size(), 20) <= 0) continue;
        if (ends[0].revents != 0) {
            auto const bytes = take(client);
            bool const commit = bytes.find("COMMIT") != bytes.npos;
            if (commit && lose_.exchange(false)) break;
            swallowing = commit && swallow_.exchange(false);
            up = !bytes.empty() && give(server, bytes);
        }
        if (up && ends[1].revents != 0) {
            auto const bytes = take(server);
            if (swallowing) break;
            up = !bytes.empty() && give(client, bytes);
        }
    }
    ::close(server);
}

}  // namespace rollbackd::store_test

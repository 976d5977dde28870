// A server on loopback whose every connection is handled by one plain, blocking function in a
// thread: for peers that misbehave in ways no real server does.
#pragma once

#include "core/io/fd.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace rollbackd::testing {

/// The server's end of a connection.
class Peer {
public:
    Peer(int fd, std::atomic<bool> const& stop) : fd_(fd), stop_(stop) {}
    int fd() const { return fd_; }
    /// False: the client has gone.
    bool send(std::string_view bytes) const {
        return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
               static_cast<ssize_t>(bytes.size());
    }
    /// Reads until the end of a request's header; empty: the client has gone.
    std::string request() const {
        std::string got;
        char piece[4096];
        while (got.find("\r\n\r\n") == std::string::npos) {
            auto const length = ::recv(fd_, piece, sizeof piece, 0);
            if (length <= 0) return {};
            got.append(piece, static_cast<std::size_t>(length));
        }
        return got;
    }
    /// Says nothing until the client hangs up or the server ends.
    void hang() const {
        char piece[4096];
        pollfd waited{fd_, POLLIN, 0};
        while (!stop_) {
            if (::poll(&waited, 1, 20) > 0 && ::recv(fd_, piece, sizeof piece, 0) <= 0) return;
        }
    }
    bool stopping() const { return stop_; }

private:
    int fd_;
    std::atomic<bool> const& stop_;
};

class TestServer {
public:
    using Handler = std::function<void(Peer const&)>;

    explicit TestServer(Handler handler) : handler_(std::move(handler)) {
        listener_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        auto* const raw = reinterpret_cast<sockaddr*>(&address);
        if (::bind(listener_.get(), raw, length) != 0 || ::listen(listener_.get(), 512) != 0) {
            throw std::runtime_error("the test server cannot listen");
        }
        ::getsockname(listener_.get(), raw, &length);
        port_ = ntohs(address.sin_port);
        acceptor_ = std::thread([this] { accept(); });
    }
    ~TestServer() {
        stop_ = true;
        ::shutdown(listener_.get(), SHUT_RDWR);
        acceptor_.join();
        for (auto& worker : workers_) worker.join();
    }
    TestServer(TestServer const&) = delete;

    std::uint16_t port() const { return port_; }
    std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    std::string url(std::string const& path = "/") const { return "http://" + address() + path; }
    int connections() const { return connections_; }

    /// Answers every request with these bytes and closes.
    static Handler saying(std::string bytes) {
        return [bytes](Peer const& peer) {
            if (!peer.request().empty()) peer.send(bytes);
        };
    }
    static Handler answering(std::string const& body, std::string const& status = "200 OK") {
        return saying(
            "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) +
            "\r\n\r\n" + body
        );
    }

private:
    void accept() {
        while (true) {
            int const fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
            if (fd < 0) return;
            ++connections_;
            workers_.emplace_back([this, fd] {
                Fd const owner(fd);
                handler_(Peer(fd, stop_));
            });
        }
    }

    Handler handler_;
    Fd listener_;
    std::uint16_t port_ = 0;
    std::atomic<bool> stop_ = false;
    std::atomic<int> connections_ = 0;
    std::thread acceptor_;
    std::vector<std::thread> workers_;
};

/// A port of loopback that nothing listens on.
inline std::uint16_t closed_port() {
    Fd const fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    ::bind(fd.get(), raw, length);
    ::getsockname(fd.get(), raw, &length);
    return ntohs(address.sin_port);
}

}  // namespace rollbackd::testing

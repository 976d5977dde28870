#include "tests/actions/steps/support/http_server.hpp"

#include "tests/catch.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <mutex>
#include <thread>

namespace rollbackd::test {

namespace {

std::size_t content_length(std::string const& head) {
    constexpr char const* name = "content-length:";
    for (std::size_t at = 0; at < head.size(); ++at) {
        if (strncasecmp(head.c_str() + at, name, 15) == 0) return std::stoul(head.substr(at + 15));
    }
    return 0;
}

std::string read_request(int peer) {
    std::string request;
    std::array<char, 4096> buffer{};
    for (;;) {
        auto const head_end = request.find("\r\n\r\n");
        if (head_end != std::string::npos &&
            request.size() >= head_end + 4 + content_length(request.substr(0, head_end))) {
            return request;
        }
        auto const count = read(peer, buffer.data(), buffer.size());
        if (count <= 0) return request;
        request.append(buffer.data(), static_cast<std::size_t>(count));
    }
}

}  // namespace

struct HttpServer::State {
    std::function<std::string(std::string const&)> answer;
    int listener = -1;
    int wake[2] = {-1, -1};
    int port = 0;
    mutable std::mutex mutex;
    std::vector<std::string> requests;
    std::thread thread;

    void serve() {
        std::vector<int> held;
        for (;;) {
            std::array<pollfd, 2> wanted{{{listener, POLLIN, 0}, {wake[0], POLLIN, 0}}};
            (void)poll(wanted.data(), wanted.size(), -1);
            if (wanted[1].revents != 0) break;
            int const peer = accept(listener, nullptr, nullptr);
            if (peer < 0) continue;
            auto const request = read_request(peer);
            {
                std::lock_guard const lock(mutex);
                requests.push_back(request);
            }
            auto const bytes = answer(request);
            if (bytes.empty()) {
                held.push_back(peer);
                continue;
            }
            (void)!write(peer, bytes.data(), bytes.size());
            close(peer);
        }
        for (int const peer : held) close(peer);
    }
};

HttpServer::HttpServer(std::function<std::string(std::string const&)> answer)
    : state_(std::make_unique<State>()) {
    state_->answer = std::move(answer);
    state_->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(bind(state_->listener, raw, sizeof address) == 0);
    REQUIRE(listen(state_->listener, 16) == 0);
    socklen_t length = sizeof address;
    REQUIRE(getsockname(state_->listener, raw, &length) == 0);
    state_->port = ntohs(address.sin_port);
    REQUIRE(pipe(state_->wake) == 0);
    state_->thread = std::thread([state = state_.get()] { state->serve(); });
}

HttpServer::~HttpServer() {
    (void)!write(state_->wake[1], "x", 1);
    state_->thread.join();
    for (int const fd : {state_->listener, state_->wake[0], state_->wake[1]}) close(fd);
}

std::string HttpServer::url(std::string const& path) const {
    return "http://127.0.0.1:" + std::to_string(state_->port) + path;
}

std::vector<std::string> HttpServer::requests() const {
    std::lock_guard const lock(state_->mutex);
    return state_->requests;
}

std::string response(int status, std::string const& body, std::string const& headers) {
    return "HTTP/1.1 " + std::to_string(status) +
           " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers +
           "Connection: close\r\n\r\n" + body;
}

}  // namespace rollbackd::test

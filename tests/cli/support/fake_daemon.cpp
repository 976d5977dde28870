#include "tests/cli/support/fake_daemon.hpp"

#include "core/json.hpp"
#include "tests/catch.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <algorithm>
#include <cctype>

namespace rollbackd::cli::test {

namespace {

int listen_on_loopback(std::uint16_t& port) {
    int const fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(fd, reinterpret_cast<sockaddr const*>(&where), sizeof where) == 0);
    REQUIRE(::listen(fd, 16) == 0);
    socklen_t size = sizeof where;
    REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&where), &size) == 0);
    port = ntohs(where.sin_port);
    return fd;
}

int listen_on_path(std::string const& path) {
    int const fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    path.copy(where.sun_path, sizeof where.sun_path - 1);
    REQUIRE(::bind(fd, reinterpret_cast<sockaddr const*>(&where), sizeof where) == 0);
    REQUIRE(::listen(fd, 16) == 0);
    return fd;
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
        return static_cast<char>(std::tolower(c));
    });
    return text;
}

/// Reads one request; false where the client said nothing.
bool read_request(int fd, Seen& seen) {
    std::string text;
    char room[4096];
    std::size_t head_end = std::string::npos;
    std::size_t need = std::string::npos;
    while (text.size() < need) {
        auto const got = ::recv(fd, room, sizeof room, 0);
        if (got <= 0) return false;
        text.append(room, static_cast<std::size_t>(got));
        if (head_end != std::string::npos) continue;
        head_end = text.find("\r\n\r\n");
        if (head_end == std::string::npos) continue;
        auto rest = text.substr(0, head_end);
        auto line_end = rest.find("\r\n");
        auto const first = rest.substr(0, line_end);
        seen.method = first.substr(0, first.find(' '));
        seen.target = first.substr(seen.method.size() + 1);
        seen.target = seen.target.substr(0, seen.target.find(' '));
        while (line_end != std::string::npos) {
            rest = rest.substr(line_end + 2);
            line_end = rest.find("\r\n");
            auto const line = rest.substr(0, line_end);
            auto const colon = line.find(": ");
            seen.headers[lower(line.substr(0, colon))] = line.substr(colon + 2);
        }
        auto const length = seen.header("content-length");
        need = head_end + 4 + (length.empty() ? 0 : std::stoul(length));
    }
    seen.body = text.substr(head_end + 4);
    return true;
}

std::string bytes_of(Reply const& reply) {
    if (!reply.raw.empty()) return reply.raw;
    return "HTTP/1.1 " + std::to_string(reply.status) + " X\r\nContent-Type: " + reply.type +
           "\r\nContent-Length: " + std::to_string(reply.body.size()) + "\r\n\r\n" + reply.body;
}

}  // namespace

FakeDaemon::FakeDaemon(Answering answering) : answering_(std::move(answering)) {
    std::uint16_t port = 0;
    listener_ = listen_on_loopback(port);
    url_ = "http://127.0.0.1:" + std::to_string(port);
    stop_ = ::eventfd(0, EFD_CLOEXEC);
    thread_ = std::thread([this] { serve(); });
}

FakeDaemon::FakeDaemon(std::string const& path, Answering answering)
    : answering_(std::move(answering)), url_("unix:" + path), path_(path) {
    listener_ = listen_on_path(path);
    stop_ = ::eventfd(0, EFD_CLOEXEC);
    thread_ = std::thread([this] { serve(); });
}

FakeDaemon::~FakeDaemon() {
    std::uint64_t const one = 1;
    (void)!::write(stop_, &one, sizeof one);
    thread_.join();
    ::close(listener_);
    ::close(stop_);
    if (!path_.empty()) ::unlink(path_.c_str());
}

void FakeDaemon::serve() {
    while (true) {
        pollfd waiting[2] = {{listener_, POLLIN, 0}, {stop_, POLLIN, 0}};
        if (::poll(waiting, 2, -1) < 0) continue;
        if (waiting[1].revents != 0) return;
        int const connection = ::accept(listener_, nullptr, nullptr);
        if (connection < 0) continue;
        answer(connection);
        ::close(connection);
    }
}

void FakeDaemon::answer(int connection) {
    Seen seen;
    if (!read_request(connection, seen)) return;
    {
        std::lock_guard const lock(mutex_);
        seen_.push_back(seen);
    }
    auto const reply = answering_(seen);
    if (reply.hang_up) return;
    auto const bytes = bytes_of(reply);
    for (std::string_view rest = bytes; !rest.empty();) {
        auto const sent = ::send(connection, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent <= 0) return;
        rest.remove_prefix(static_cast<std::size_t>(sent));
    }
}

std::vector<Seen> FakeDaemon::seen() const {
    std::lock_guard const lock(mutex_);
    return seen_;
}

Seen FakeDaemon::only() const {
    auto const all = seen();
    REQUIRE(all.size() == 1);
    return all.front();
}

Answering by_line(std::map<std::string, Reply> answers) {
    return [answers = std::move(answers)](Seen const& seen) {
        auto const found = answers.find(seen.line());
        return found == answers.end() ? problem(404, "there is no " + seen.target) : found->second;
    };
}

Reply problem(int status, std::string const& detail) {
    return {
        status,
        to_text(JsonObject{{"type", "about:blank"}, {"status", status}, {"detail", detail}}),
        "application/problem+json",
        {},
        false
    };
}

std::string url_of_nobody() {
    std::uint16_t port = 0;
    ::close(listen_on_loopback(port));
    return "http://127.0.0.1:" + std::to_string(port);
}

}  // namespace rollbackd::cli::test

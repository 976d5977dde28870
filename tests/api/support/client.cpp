#include "tests/api/support/client.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace rollbackd::api::testing {

namespace {

std::string lowered(std::string_view text) {
    std::string out(text);
    for (auto& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
}

int connect_tcp(std::string const& address) {
    auto const colon = address.rfind(':');
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
    ::inet_pton(AF_INET, address.substr(0, colon).c_str(), &where.sin_addr);
    int const fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int const code = ::connect(fd, reinterpret_cast<sockaddr const*>(&where), sizeof(where));
    if (code != 0) throw std::runtime_error("cannot connect to " + address);
    return fd;
}

int connect_local(std::string const& path) {
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    std::memcpy(where.sun_path, path.c_str(), path.size() + 1);
    int const fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int const code = ::connect(fd, reinterpret_cast<sockaddr const*>(&where), sizeof(where));
    if (code != 0) throw std::runtime_error("cannot connect to " + path);
    return fd;
}

}  // namespace

Client::Client(std::string const& address) {
    bool const local = address.starts_with("unix:");
    fd_ = local ? connect_local(address.substr(5)) : connect_tcp(address);
    timeval const limit{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

Client::~Client() { ::close(fd_); }

bool Client::send(std::string_view bytes) {
    while (!bytes.empty()) {
        auto const sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

bool Client::fill() {
    char bytes[16384];
    auto const got = ::recv(fd_, bytes, sizeof(bytes), 0);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        throw std::runtime_error("nothing came within 10 s");
    }
    if (got <= 0) return false;
    buffer_.append(bytes, static_cast<std::size_t>(got));
    return true;
}

std::string Client::receive_until(std::string_view end) {
    while (buffer_.find(end) == std::string::npos) {
        if (!fill()) return std::exchange(buffer_, {});
    }
    auto const length = buffer_.find(end) + end.size();
    std::string out = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return out;
}

bool Client::ended() {
    while (fill()) {
    }
    return true;
}

HttpAnswer Client::receive(bool head_only) {
    HttpAnswer answer;
    auto head = receive_until("\r\n\r\n");
    if (head.size() < 12) return answer;
    answer.status = static_cast<unsigned>(std::stoi(head.substr(9, 3)));
    for (auto at = head.find("\r\n") + 2; at + 2 < head.size();) {
        auto const line = head.substr(at, head.find("\r\n", at) - at);
        at += line.size() + 2;
        auto const colon = line.find(':');
        answer.headers[lowered(line.substr(0, colon))] = line.substr(colon + 2);
    }
    if (head_only || answer.status == 100) return answer;
    auto const length = answer.headers.find("content-length");
    if (length == answer.headers.end()) return answer;
    auto const size = static_cast<std::size_t>(std::stoul(length->second));
    while (buffer_.size() < size) {
        if (!fill()) break;
    }
    answer.body = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return answer;
}

HttpAnswer Client::get(std::string const& target, std::string const& headers) {
    send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n");
    return receive();
}

HttpAnswer Client::post(
    std::string const& target, std::string const& body, std::string const& headers
) {
    send(
        "POST " + target + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body
    );
    return receive();
}

}  // namespace rollbackd::api::testing

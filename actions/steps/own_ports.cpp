#include "actions/steps/own_ports.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <charconv>
#include <filesystem>
#include <optional>
#include <set>
#include <string>

namespace rollbackd {

namespace {

std::optional<std::uint16_t> listening_port(int fd) {
    int listens = 0;
    socklen_t size = sizeof listens;
    if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0) {
        return std::nullopt;
    }
    sockaddr_storage address{};
    size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (::getsockname(fd, any, &size) != 0) return std::nullopt;
    if (address.ss_family == AF_INET) {
        return ntohs(reinterpret_cast<sockaddr_in const*>(&address)->sin_port);
    }
    if (address.ss_family == AF_INET6) {
        return ntohs(reinterpret_cast<sockaddr_in6 const*>(&address)->sin6_port);
    }
    return std::nullopt;
}

}  // namespace

std::vector<std::uint16_t> own_listening_ports() {
    std::set<std::uint16_t> ports;
    std::error_code ignored;  // a descriptor that is closed meanwhile is none of ours
    for (auto const& entry : std::filesystem::directory_iterator("/proc/self/fd", ignored)) {
        auto const name = entry.path().filename().string();
        int fd = -1;
        auto const read = std::from_chars(name.data(), name.data() + name.size(), fd);
        if (read.ec != std::errc()) continue;
        if (auto const port = listening_port(fd)) ports.insert(*port);
    }
    return {ports.begin(), ports.end()};
}

}  // namespace rollbackd

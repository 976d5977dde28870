#include "daemon/journald.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cstdint>

namespace rollbackd {

namespace {

constexpr std::string_view socket_path = "/run/systemd/journal/socket";

void add(std::string& entry, std::string_view name, std::string_view value) {
    entry += name;
    if (value.find('\n') == std::string_view::npos) {
        entry += "=";
    } else {
        entry += "\n";
        for (unsigned shift = 0; shift < 64; shift += 8) {
            entry.push_back(static_cast<char>((std::uint64_t(value.size()) >> shift) & 0xffU));
        }
    }
    entry += value;
    entry += "\n";
}

/// The journal's fields have capital letters, digits and underscores.
std::string field_name(std::string_view key) {
    std::string out = "ROLLBACKD_";
    for (char const c : key) {
        bool const letter = c >= 'a' && c <= 'z';
        bool const digit = c >= '0' && c <= '9';
        out.push_back(letter ? static_cast<char>(c - 'a' + 'A') : digit ? c : '_');
    }
    return out;
}

}  // namespace

std::string journald_entry(
    int priority, std::string_view line, std::string_view event,
    std::vector<std::pair<std::string_view, std::string>> const& fields
) {
    std::string entry;
    add(entry, "MESSAGE", line);
    add(entry, "PRIORITY", std::to_string(priority));
    add(entry, "SYSLOG_IDENTIFIER", "rollbackd");
    add(entry, "ROLLBACKD_EVENT", event);
    for (auto const& [key, value] : fields) add(entry, field_name(key), value);
    return entry;
}

bool is_journal(char const* stream, int fd) {
    struct stat present{};
    if (stream == nullptr || ::fstat(fd, &present) != 0) return false;
    return std::to_string(present.st_dev) + ":" + std::to_string(present.st_ino) == stream;
}

JournaldSocket::JournaldSocket() : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}

JournaldSocket::~JournaldSocket() {
    if (fd_ >= 0) ::close(fd_);
}

bool JournaldSocket::send(std::string_view entry) const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket_path.copy(address.sun_path, socket_path.size());
    auto const sent = ::sendto(
        fd_, entry.data(), entry.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
        reinterpret_cast<sockaddr const*>(&address), sizeof(address)
    );
    return sent == static_cast<ssize_t>(entry.size());
}

}  // namespace rollbackd

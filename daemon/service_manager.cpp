#include "daemon/service_manager.hpp"

#include "core/io/clock.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <charconv>
#include <cstdlib>
#include <cstring>

namespace rollbackd {

ServiceManager::ServiceManager() {
    if (char const* const path = std::getenv("NOTIFY_SOCKET")) socket_ = path;
    if (char const* const text = std::getenv("WATCHDOG_USEC")) {
        std::int64_t micros = 0;
        std::from_chars(text, text + std::strlen(text), micros);
        if (micros > 0) watchdog_ = std::chrono::microseconds(micros / 2);
    }
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

void ServiceManager::ready(std::string_view status) const {
    send("READY=1\nSTATUS=" + std::string(status));
}

void ServiceManager::status(std::string_view status) const {
    send("STATUS=" + std::string(status));
}

void ServiceManager::reloading() const {
    send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(monotonic_micros()));
}

void ServiceManager::stopping(std::string_view status) const {
    send("STOPPING=1\nSTATUS=" + std::string(status));
}

void ServiceManager::alive() const { send("WATCHDOG=1"); }

void ServiceManager::send(std::string const& message) const {
    sockaddr_un address{};
    if (socket_.empty() || socket_.size() >= sizeof(address.sun_path)) return;
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, socket_.data(), socket_.size());
    if (socket_.front() == '@') address.sun_path[0] = '\0';  // the abstract namespace
    int const handle = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (handle < 0) return;
    auto const length = socklen_t(offsetof(sockaddr_un, sun_path) + socket_.size());
    // systemd may be gone or slow; that is not our failure.
    (void)sendto(
        handle, message.data(), message.size(), MSG_NOSIGNAL,
        reinterpret_cast<sockaddr const*>(&address), length
    );
    close(handle);
}

}  // namespace rollbackd

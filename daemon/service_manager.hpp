// systemd's notify protocol, sd_notify(3): one datagram a message to $NOTIFY_SOCKET. Does nothing
// where there is none.
#pragma once

#include "core/time.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace rollbackd {

class ServiceManager {
public:
    /// Reads NOTIFY_SOCKET and WATCHDOG_USEC once, and removes them: steps must not inherit them.
    ServiceManager();

    void ready(std::string_view status) const;
    void status(std::string_view status) const;
    /// RELOADING=1 with MONOTONIC_USEC; ready() ends it.
    void reloading() const;
    void stopping(std::string_view status) const;
    void alive() const;
    /// How often alive() is due; none where no watchdog is set.
    std::optional<Duration> watchdog() const { return watchdog_; }

private:
    void send(std::string const& message) const;

    std::string socket_;
    std::optional<Duration> watchdog_;
};

}  // namespace rollbackd

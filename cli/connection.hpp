// One blocking connection to the daemon: TCP, TLS or a Unix socket, every wait with a deadline.
// A command line has nothing else to do meanwhile, so no event loop is started for it.
#pragma once

#include "cli/address.hpp"

#include <chrono>
#include <memory>
#include <span>

namespace rollbackd::cli {

using Clock = std::chrono::steady_clock;

/// Nothing to wait for but time: between two tries to reach the daemon.
void pause_for(std::chrono::milliseconds time);

struct TlsFiles {
    std::string ca;    // PEM of the authorities to trust; empty: the system's
    std::string cert;  // client certificate and key, where the daemon asks for one
    std::string key;
};

class Connection {
public:
    static Result<Connection> open(
        Address const& address, TlsFiles const& tls, Clock::time_point deadline
    );
    Connection(Connection&&) noexcept;
    Connection& operator=(Connection&&) noexcept;
    ~Connection();

    Result<void> send(std::string_view bytes, Clock::time_point deadline);
    /// Some bytes; 0 where the peer has closed in order.
    Result<std::size_t> receive(std::span<char> room, Clock::time_point deadline);

private:
    struct Impl;
    explicit Connection(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace rollbackd::cli

// Between the server's sockets and its Application: what a connection is to the server while it
// lasts. Private to server*.cpp.
#pragma once

#include "api/listener.hpp"
#include "api/server.hpp"
#include "api/tls.hpp"
#include "core/io/deadline.hpp"
#include "core/io/task_group.hpp"

#include <functional>
#include <list>

namespace rollbackd::api {

enum class Phase { idle, reading, handling, streaming };

struct Connection {
    Peer peer;
    Phase phase = Phase::idle;
    std::function<void()> drop;  // closes the socket; the pending operation then fails
    Stream* stream = nullptr;    // while streaming
};

/// What all connections share.
struct Shared {
    ServerLimits limits;
    Application& application;
    std::shared_ptr<TlsContext const> tls;  // of connections to come; null: none
    std::list<Connection> connections;
    std::size_t buffered_bytes = 0;  // of large bodies being read or handled
    std::size_t streams = 0;
    bool stopping = false;
};

/// Speaks HTTP on one accepted socket until it ends. `connection` is the caller's and stays until
/// then, and so does `shared`.
boost::asio::awaitable<void> serve_connection(
    Shared& shared, Connection& connection, Socket socket, bool with_tls
);

}  // namespace rollbackd::api

// Listeners, the registry of connections, and stopping. HTTP itself is in server_http.cpp.
#include "api/server.hpp"

#include "api/problem.hpp"
#include "api/server_http.hpp"
#include "core/ensure.hpp"

#include <algorithm>

namespace rollbackd::api {

namespace {

namespace asio = boost::asio;

constexpr auto accept_pause = std::chrono::milliseconds(100);

class HttpServer final : public Server {
public:
    HttpServer(
        asio::any_io_executor executor, ServerLimits limits, Application& application,
        std::vector<std::unique_ptr<Listener>> listeners, std::shared_ptr<TlsContext const> tls
    )
        : shared_{limits, application, std::move(tls), {}, 0, 0, false},
          listeners_(std::move(listeners)),
          empty_(executor),
          group_(executor, [this](std::string_view name, std::string_view what) {
              shared_.application.surprised(name, what);
          }) {}

    void start() override {
        for (auto const& listener : listeners_) {
            group_.spawn("accept " + listener->address(), accept_from(*listener));
        }
    }

    void use(std::shared_ptr<TlsContext const> tls) override {
        if (shared_.tls) shared_.tls = std::move(tls);
    }

    asio::awaitable<void> stop() override {
        shared_.stopping = true;
        for (auto const& listener : listeners_) listener->close();
        drop_where([](Connection const& connection) { return connection.phase == Phase::idle; });
        for (auto& connection : shared_.connections) {
            if (connection.stream != nullptr) connection.stream->close();
        }
        if (!shared_.connections.empty()) co_await empty_.wait_for(shared_.limits.drain_max);
        drop_where([](Connection const&) { return true; });
        group_.cancel();
        co_await group_.join();
    }

    std::vector<std::string> addresses() const override {
        std::vector<std::string> out;
        for (auto const& listener : listeners_) out.push_back(listener->address());
        return out;
    }

    std::size_t connections() const override { return shared_.connections.size(); }

private:
    asio::awaitable<void> accept_from(Listener& listener) {
        while (!shared_.stopping) {
            auto accepted = co_await listener.accept();
            if (accepted) {
                admit(std::move(*accepted));
            } else if (accepted.error().code == Errc::cancelled) {
                co_return;
            } else {
                // Out of descriptors, or the client was gone: the next one may fare better.
                co_await sleep_for(accept_pause);
            }
        }
    }

    void admit(Accepted accepted) {
        bool const with_tls = shared_.tls && !accepted.peer.local_socket;
        if (!make_room(accepted.peer.local_socket)) {
            if (!with_tls) turn_away(accepted.socket);
            return;
        }
        auto const connection = shared_.connections.emplace(shared_.connections.end());
        connection->peer = std::move(accepted.peer);
        group_.spawn("connection", serve(connection, std::move(accepted.socket), with_tls));
    }

    /// One try without waiting: whoever floods us gets no coroutine of his own.
    static void turn_away(Socket& socket) {
        Request request;
        request.id = request_id({});
        auto refusal = refuse(503, "every connection is taken: try again soon");
        finish_problem(refusal, request);
        auto const full =
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\n"
            "Retry-After: 1\r\nX-Request-Id: " +
            request.id +
            "\r\nConnection: close\r\nContent-Length: " + std::to_string(refusal.body.size()) +
            "\r\n\r\n" + refusal.body;
        boost::system::error_code ignored;
        socket.non_blocking(true, ignored);
        socket.write_some(asio::buffer(full), ignored);
    }

    asio::awaitable<void> serve(
        std::list<Connection>::iterator connection, Socket socket, bool with_tls
    ) {
        // The registry must lose the connection however this ends.
        struct Leave {
            HttpServer& server;
            std::list<Connection>::iterator connection;
            ~Leave() { server.leave(connection); }
        };
        Leave const leave{*this, connection};
        co_await serve_connection(shared_, *connection, std::move(socket), with_tls);
    }

    void leave(std::list<Connection>::iterator connection) {
        shared_.connections.erase(connection);
        if (shared_.stopping && shared_.connections.empty()) empty_.notify();
    }

    /// Whether one more may come; the longest idle one gives way where all places are taken.
    bool make_room(bool local_socket) {
        auto const& limits = shared_.limits;
        auto const max = local_socket ? limits.local_connections_max : limits.connections_max;
        auto& all = shared_.connections;
        auto const same = [&](Connection const& connection) {
            return connection.peer.local_socket == local_socket;
        };
        auto const count = std::count_if(all.begin(), all.end(), same);
        if (static_cast<std::size_t>(count) < max) return true;
        for (auto& connection : all) {
            bool const idle = same(connection) && connection.phase == Phase::idle;
            if (!idle || !connection.drop) continue;
            std::exchange(connection.drop, {})();
            return true;
        }
        return false;
    }

    template <class Predicate>
    void drop_where(Predicate predicate) {
        for (auto& connection : shared_.connections) {
            if (predicate(connection) && connection.drop) std::exchange(connection.drop, {})();
        }
    }

    Shared shared_;
    std::vector<std::unique_ptr<Listener>> listeners_;
    WakeUp empty_;
    TaskGroup group_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::open(
    asio::any_io_executor executor, ServerOptions options, Application& application
) {
    std::shared_ptr<TlsContext const> tls;
    if (options.tls) {
        auto made = load_tls(*options.tls);
        if (!made) return tl::unexpected(made.error());
        tls = std::move(*made);
    }
    std::vector<std::unique_ptr<Listener>> listeners;
    for (auto const& address : options.listen) {
        auto listener = Listener::open(executor, address);
        if (!listener) return tl::unexpected(listener.error());
        if (!(*listener)->is_loopback() && !tls) {
            return fail(Errc::invalid, "an address other than loopback needs daemon.tls", address);
        }
        listeners.push_back(*std::move(listener));
    }
    if (listeners.empty()) return fail(Errc::invalid, "nothing to listen on", "daemon.listen");
    return std::make_unique<HttpServer>(
        executor, options.limits, application, std::move(listeners), std::move(tls)
    );
}

}  // namespace rollbackd::api

// A Server on a thread of its own, answering from a scripted Application.
#pragma once

#include "api/feed.hpp"
#include "api/server.hpp"

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <thread>

namespace rollbackd::api::testing {

/// GET /echo answers "METHOD path body"; /slow waits for release(); /stream sends chunks until it
/// is closed; /throw throws in admit's place. Bodies up to `body_bytes_max`.
class ScriptedApplication final : public Application {
public:
    explicit ScriptedApplication(boost::asio::io_context& context)
        : feed_(context.get_executor()) {}

    Admission admit(Request& request) override;
    boost::asio::awaitable<Response> handle(Request& request) override;
    void finished(Request const& request, unsigned status, std::uint64_t bytes_out) override;
    void surprised(std::string_view where, std::string_view what) override;

    void release() { feed_.close(); }

    std::size_t body_bytes_max = 1024;
    std::atomic<unsigned> handled = 0;
    std::atomic<unsigned> waiting = 0;
    std::atomic<unsigned> surprises = 0;
    Peer last_peer;

private:
    Feed feed_;
};

class RunningServer {
public:
    explicit RunningServer(ServerOptions options);
    ~RunningServer();
    RunningServer(RunningServer const&) = delete;
    RunningServer& operator=(RunningServer const&) = delete;

    std::string address() const { return address_; }
    ScriptedApplication& application() { return application_; }
    Server& server() { return *server_; }
    /// Runs `work` on the server's thread.
    void on_loop(std::function<void()> work);
    /// Begins to stop; wait() returns when the server is gone.
    void begin_stop();
    void wait();

private:
    boost::asio::io_context context_;
    ScriptedApplication application_;
    std::unique_ptr<Server> server_;
    std::string address_;
    std::thread thread_;
};

/// Loopback, port 0, limits short enough for tests.
ServerOptions loopback_options();
/// Waits until `condition` holds, at most 10 s.
bool eventually(std::function<bool()> const& condition);

}  // namespace rollbackd::api::testing

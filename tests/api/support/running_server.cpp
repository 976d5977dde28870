#include "tests/api/support/running_server.hpp"

#include "api/problem.hpp"
#include "core/io/task_group.hpp"

#include <boost/asio/post.hpp>
#include <stdexcept>

namespace rollbackd::api::testing {

namespace {

class Ticks final : public Stream {
public:
    explicit Ticks(Feed& feed) : feed_(feed) {}
    boost::asio::awaitable<std::optional<std::string>> next() override {
        if (count_ < 3) co_return "tick " + std::to_string(++count_) + "\n";
        if (!closed_) co_await feed_.wait(std::chrono::seconds(30));
        co_return std::nullopt;
    }
    // May come before anybody waits.
    void close() override {
        closed_ = true;
        feed_.notify();
    }

private:
    Feed& feed_;
    int count_ = 0;
    bool closed_ = false;
};

boost::asio::awaitable<void> stop_server(Server& server) { co_await server.stop(); }

}  // namespace

Admission ScriptedApplication::admit(Request& request) {
    last_peer = request.peer;
    Admission admission;
    admission.body_bytes_max = body_bytes_max;
    if (request.path == "/forbidden") admission.refusal = refuse(403, "not for you");
    return admission;
}

boost::asio::awaitable<Response> ScriptedApplication::handle(Request& request) {
    ++handled;
    if (request.path == "/slow") {
        ++waiting;
        co_await feed_.wait(std::chrono::seconds(30));
    }
    if (request.path == "/throw") throw std::runtime_error("surprise");
    if (request.path == "/empty") co_return no_content();
    Response response;
    response.content_type = "text/plain";
    if (request.path == "/stream") {
        response.stream = std::make_unique<Ticks>(feed_);
    } else {
        response.body = request.method + " " + request.path + " " + request.body;
    }
    co_return response;
}

void ScriptedApplication::finished(Request const&, unsigned, std::uint64_t) {}

void ScriptedApplication::surprised(std::string_view, std::string_view) { ++surprises; }

RunningServer::RunningServer(ServerOptions options) : application_(context_) {
    auto server = Server::open(context_.get_executor(), std::move(options), application_);
    if (!server) throw std::runtime_error(to_string(server.error()));
    server_ = *std::move(server);
    address_ = server_->addresses().front();
    server_->start();
    thread_ = std::thread([this] { context_.run(); });
}

RunningServer::~RunningServer() {
    begin_stop();
    wait();
}

void RunningServer::on_loop(std::function<void()> work) {
    std::atomic<bool> done = false;
    boost::asio::post(context_, [&] {
        work();
        done = true;
        done.notify_one();
    });
    done.wait(false);
}

void RunningServer::begin_stop() {
    if (!thread_.joinable()) return;
    boost::asio::post(context_, [this] {
        TaskGroup(context_.get_executor()).spawn("stop", stop_server(*server_));
    });
}

void RunningServer::wait() {
    if (!thread_.joinable()) return;
    boost::asio::post(context_, [this] { application_.release(); });
    thread_.join();
}

ServerOptions loopback_options() {
    ServerOptions options;
    options.listen.emplace_back("127.0.0.1:0");
    options.limits.header_timeout = std::chrono::milliseconds(300);
    options.limits.body_timeout = std::chrono::milliseconds(500);
    options.limits.idle_timeout = std::chrono::seconds(5);
    options.limits.linger_max = std::chrono::seconds(5);
    options.limits.drain_max = std::chrono::seconds(5);
    return options;
}

bool eventually(std::function<bool()> const& condition) {
    auto const deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::yield();
    }
    return true;
}

}  // namespace rollbackd::api::testing

#include "api/api.hpp"

#include "api/router.hpp"

#include <unistd.h>

namespace rollbackd::api {

namespace {

class ApiImpl final : public Api {
public:
    ApiImpl(boost::asio::any_io_executor executor, Host& host)
        : feed_(std::move(executor)), router_(host, feed_, ::geteuid()) {}

    Result<void> open(boost::asio::any_io_executor executor, ServerOptions options) {
        auto server = Server::open(std::move(executor), std::move(options), router_);
        if (!server) return tl::unexpected(server.error());
        server_ = *std::move(server);
        return {};
    }

    void start() override { server_->start(); }
    void use(std::shared_ptr<TlsContext const> tls) override { server_->use(std::move(tls)); }
    void records_applied() override { feed_.notify(); }
    boost::asio::awaitable<void> stop() override {
        feed_.close();
        co_await server_->stop();
    }
    std::vector<std::string> addresses() const override { return server_->addresses(); }
    std::size_t connections() const override { return server_->connections(); }

private:
    Feed feed_;
    Router router_;
    std::unique_ptr<Server> server_;  // last: it uses the others until it is gone
};

}  // namespace

Result<std::unique_ptr<Api>> Api::open(
    boost::asio::any_io_executor executor, ServerOptions options, Host& host
) {
    auto api = std::make_unique<ApiImpl>(executor, host);
    if (auto opened = api->open(executor, std::move(options)); !opened) {
        return tl::unexpected(opened.error());
    }
    return api;
}

}  // namespace rollbackd::api

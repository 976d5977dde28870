// From a request to its answer: route, identity, document, content type, journal, idempotency,
// handler, and the one fence that turns a surprise into 500. Socket-free, so tests may drive it
// directly.
#pragma once

#include "api/feed.hpp"
#include "api/idempotency.hpp"
#include "api/server.hpp"

namespace rollbackd::api {

class Router final : public Application {
public:
    Router(Host& host, Feed& feed, std::uint32_t own_uid);

    Admission admit(Request& request) override;
    boost::asio::awaitable<Response> handle(Request& request) override;
    void finished(Request const& request, unsigned status, std::uint64_t bytes_out) override;
    void surprised(std::string_view where, std::string_view what) override;

private:
    Admission judge(Request& request);
    Awaitable<Response> carry_out(Context& context);
    Awaitable<Response> call(Context& context);

    Host& host_;
    Feed& feed_;
    Gatekeeper gatekeeper_;
    Idempotency idempotency_;
};

}  // namespace rollbackd::api

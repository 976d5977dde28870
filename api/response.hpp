// An answer as handlers make it: a status, headers and either a body or a stream of chunks.
#pragma once

#include "core/json.hpp"

#include <boost/asio/awaitable.hpp>

namespace rollbackd::api {

/// Chunks of an endless answer (server-sent events): awaited one after the other until nothing.
class Stream {
public:
    virtual ~Stream() = default;
    virtual boost::asio::awaitable<std::optional<std::string>> next() = 0;
    /// Called at stop, and when the client is gone: the pending next() returns nothing soon.
    virtual void close() = 0;
};

struct Response {
    unsigned status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
    std::unique_ptr<Stream> stream;  // instead of a body
};

/// 200 with JSON, ended by a newline for people at a terminal.
Response answer(Json const& body, unsigned status = 200);
Response answer_text(std::string body, std::string content_type);
Response no_content();

/// May the body be read, and how much of it?
struct Admission {
    std::optional<Response> refusal;
    std::size_t body_bytes_max = 0;
};

}  // namespace rollbackd::api

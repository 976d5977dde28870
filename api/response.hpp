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

/// One mistake in a body: `pointer` is the JSON pointer of the member (RFC 6901).
struct Mistake {
    std::string detail;
    std::string pointer;
};

/// The content of an RFC 9457 problem; it becomes the body when the answer is finished.
struct Problem {
    std::string detail;  // what is wrong and how to mend it
    std::vector<Mistake> errors;
};

struct Response {
    unsigned status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
    std::optional<Problem> problem;
    std::unique_ptr<Stream> stream;  // instead of a body
    std::string tag = {};            // of a body whose tag is known; empty: made from it
    std::string_view zipped = {};    // the body gzipped, where somebody has done that already
};

/// 200 with JSON, ended by a newline for people at a terminal.
Response answer(Json const& body, unsigned status = 200);
Response answer_text(std::string body, std::string content_type);
Response no_content();
/// The Date header (RFC 9110): "Sat, 31 Jan 2026 12:00:00 GMT".
void add_date(Response& response, WallTime now);

/// May the body be read, and how much of it?
struct Admission {
    std::optional<Response> refusal;
    std::size_t body_bytes_max = 0;
};

}  // namespace rollbackd::api

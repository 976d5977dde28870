// Reads one HTTP/1 response out of bytes as they come, within bounds. Hides Beast, whose parser it
// drives without Beast's containers: one answer costs few allocations. Private to core/io.
#pragma once

#include "core/io/http_client.hpp"

namespace rollbackd {

class HttpParser {
public:
    /// `to_head`: the answer to a HEAD request, which has no body whatever its header says.
    HttpParser(HttpRequest const& request, HttpResponse& response, bool to_head);
    ~HttpParser();
    HttpParser(HttpParser const&) = delete;
    HttpParser& operator=(HttpParser const&) = delete;

    /// Consumes more bytes. True: the response is complete.
    NetResult<bool> feed(std::string_view bytes);
    /// The peer has closed: complete, or closed early.
    NetResult<bool> finish();
    bool has_head() const;
    /// Complete, with nothing behind it, and the peer goes on listening.
    bool may_ask_again() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace rollbackd

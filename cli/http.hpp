// HTTP/1.1 as bytes, pure: a request written down, an answer's head read, a body taken out of its
// length or chunks, and server-sent events taken out of a body. Everything bounded.
#pragma once

#include "core/error.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace rollbackd::cli {

struct Request {
    std::string method = "GET";
    std::string target;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
};

/// With Content-Length where there is a body, and Connection: close.
std::string to_bytes(Request const& request, std::string_view host);

struct Head {
    int status = 0;
    std::map<std::string, std::string> headers;  // names in lower case; the last one wins
};

inline constexpr std::size_t head_max = 64 * 1024;
inline constexpr std::size_t body_max = 64 * 1024 * 1024;
inline constexpr std::size_t event_max = 4 * 1024 * 1024;

/// `text` without the empty line at its end.
Result<Head> parse_head(std::string_view text);

/// Takes the body out of what follows the head.
class BodyDecoder {
public:
    explicit BodyDecoder(Head const& head);

    /// Appends to `out` what of the body `bytes` brings.
    Result<void> feed(std::string_view bytes, std::string& out);
    bool done() const { return done_; }
    /// Whether the end of the connection is the body's proper end.
    bool ends_with_connection() const { return framing_ == Framing::until_close; }

private:
    enum class Framing { length, chunked, until_close };
    enum class Part { size, data, data_end, trailer };
    Result<void> feed_chunked(std::string_view bytes, std::string& out);
    Result<void> take_line(std::string_view line);

    Framing framing_ = Framing::until_close;
    Part part_ = Part::size;
    std::uint64_t left_ = 0;
    std::string line_;
    bool done_ = false;
};

struct ServerEvent {
    std::string id;
    std::string event;
    std::string data;
};

/// Takes events out of a text/event-stream, in whatever pieces it arrives.
class EventDecoder {
public:
    /// False: an event is larger than event_max.
    bool feed(std::string_view bytes, std::function<void(ServerEvent const&)> const& on_event);
    std::string const& last_id() const { return last_id_; }

private:
    void take_line(std::string_view line, std::function<void(ServerEvent const&)> const& on_event);

    std::string line_;
    bool after_cr_ = false;
    bool has_data_ = false;
    ServerEvent event_;
    std::string last_id_;
};

}  // namespace rollbackd::cli

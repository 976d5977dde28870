// A blocking HTTP client over one socket: sends exactly the bytes a test wants, and reads answers.
// Every read has a deadline of 10 s, so that a server that hangs fails the test instead of stopping
// it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace rollbackd::api::testing {

struct HttpAnswer {
    unsigned status = 0;
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;
};

class Client {
public:
    /// "127.0.0.1:1234" or "unix:/path".
    explicit Client(std::string const& address);
    ~Client();
    Client(Client const&) = delete;
    Client& operator=(Client const&) = delete;

    /// False: the other side has closed.
    bool send(std::string_view bytes);
    /// The next answer; status 0 where the connection ended first.
    HttpAnswer receive(bool head_only = false);
    /// Bytes as they come, up to the next occurrence of `end`, which is included.
    std::string receive_until(std::string_view end);
    /// True once the other side has closed.
    bool ended();

    HttpAnswer get(std::string const& target, std::string const& headers = {});
    HttpAnswer post(
        std::string const& target, std::string const& body,
        std::string const& headers = "Content-Type: application/json\r\n"
    );

private:
    bool fill();

    int fd_ = -1;
    std::string buffer_;
};

}  // namespace rollbackd::api::testing

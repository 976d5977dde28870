// A real HTTP server on loopback that says exactly what a test tells it to.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace rollbackd::test {

class HttpServer {
public:
    /// `answer` gets each whole request, head and body, and returns every byte of the response;
    /// nothing: the connection is held open without a word until the server ends.
    explicit HttpServer(std::function<std::string(std::string const& request)> answer);
    ~HttpServer();
    HttpServer(HttpServer const&) = delete;
    HttpServer& operator=(HttpServer const&) = delete;

    std::string url(std::string const& path = "/") const;
    std::vector<std::string> requests() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

std::string response(int status, std::string const& body = {}, std::string const& headers = {});

}  // namespace rollbackd::test

// A daemon for rollbackctl to talk to: real sockets on loopback, a thread, every request kept, and
// answers as the test says. No waiting by the clock anywhere.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace rollbackd::cli::test {

struct Seen {
    std::string method;
    std::string target;
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;

    std::string line() const { return method + " " + target; }
    std::string header(std::string const& name) const {
        auto const found = headers.find(name);
        return found == headers.end() ? "" : found->second;
    }
};

struct Reply {
    int status = 200;
    std::string body{"{}"};
    std::string type{"application/json"};
    std::string raw{};     // instead of all that: bytes as they are, then the connection closes
    bool hang_up = false;  // instead of all that: close without a word
};

using Answering = std::function<Reply(Seen const&)>;

/// A self-signed certificate for `name` (an IP address or a host name), in files of its own.
class TlsIdentity {
public:
    explicit TlsIdentity(std::string const& name);
    ~TlsIdentity();
    TlsIdentity(TlsIdentity const&) = delete;
    TlsIdentity& operator=(TlsIdentity const&) = delete;

    std::string const& certificate() const { return certificate_; }
    std::string const& key() const { return key_; }

private:
    std::string certificate_;
    std::string key_;
};

class FakeDaemon {
public:
    /// On loopback, a free port.
    explicit FakeDaemon(Answering answering);
    /// The same over TLS, with the certificate and key of those files.
    FakeDaemon(TlsIdentity const& identity, Answering answering);
    /// On a Unix socket.
    FakeDaemon(std::string const& path, Answering answering);
    ~FakeDaemon();
    FakeDaemon(FakeDaemon const&) = delete;
    FakeDaemon& operator=(FakeDaemon const&) = delete;

    std::string const& url() const { return url_; }
    std::vector<Seen> seen() const;
    /// Method, target and body of the only request; fails the test where there was not exactly one.
    Seen only() const;

private:
    void serve();
    void answer(int connection);

    Answering answering_;
    std::string url_;
    std::string path_;
    int listener_ = -1;
    int stop_ = -1;
    mutable std::mutex mutex_;
    std::vector<Seen> seen_;
    std::shared_ptr<void> tls_;  // an SSL_CTX, where it speaks TLS
    std::thread thread_;
};

/// Answers by "METHOD /target"; anything else is 404.
Answering by_line(std::map<std::string, Reply> answers);
/// problem+json.
Reply problem(int status, std::string const& detail);
/// A port of loopback nobody listens on.
std::string url_of_nobody();

}  // namespace rollbackd::cli::test

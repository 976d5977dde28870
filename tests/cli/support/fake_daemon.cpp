#include "tests/cli/support/fake_daemon.hpp"

#include "core/json.hpp"
#include "tests/catch.hpp"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstdio>

namespace rollbackd::cli::test {

namespace {

int listen_on_loopback(std::uint16_t& port) {
    int const fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(fd, reinterpret_cast<sockaddr const*>(&where), sizeof where) == 0);
    REQUIRE(::listen(fd, 16) == 0);
    socklen_t size = sizeof where;
    REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&where), &size) == 0);
    port = ntohs(where.sin_port);
    return fd;
}

int listen_on_path(std::string const& path) {
    int const fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    path.copy(where.sun_path, sizeof where.sun_path - 1);
    REQUIRE(::bind(fd, reinterpret_cast<sockaddr const*>(&where), sizeof where) == 0);
    REQUIRE(::listen(fd, 16) == 0);
    return fd;
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
        return static_cast<char>(std::tolower(c));
    });
    return text;
}

/// One connection, plain or TLS.
class Channel {
public:
    Channel(int fd, SSL_CTX* context) : fd_(fd), tls_(nullptr, SSL_free) {
        if (context == nullptr) return;
        tls_.reset(SSL_new(context));
        SSL_set_fd(tls_.get(), fd);
    }
    bool open() { return !tls_ || SSL_accept(tls_.get()) == 1; }
    ssize_t read(char* room, std::size_t size) {
        if (tls_) return SSL_read(tls_.get(), room, static_cast<int>(size));
        return ::recv(fd_, room, size, 0);
    }
    ssize_t write(std::string_view bytes) {
        if (tls_) return SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size()));
        return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
    ~Channel() {
        if (tls_) (void)SSL_shutdown(tls_.get());
    }
    Channel(Channel const&) = delete;
    Channel& operator=(Channel const&) = delete;

private:
    int fd_;
    std::unique_ptr<SSL, decltype(&SSL_free)> tls_;
};

/// Reads one request; false where the client said nothing.
bool read_request(Channel& channel, Seen& seen) {
    std::string text;
    char room[4096];
    std::size_t head_end = std::string::npos;
    std::size_t need = std::string::npos;
    while (text.size() < need) {
        auto const got = channel.read(room, sizeof room);
        if (got <= 0) return false;
        text.append(room, static_cast<std::size_t>(got));
        if (head_end != std::string::npos) continue;
        head_end = text.find("\r\n\r\n");
        if (head_end == std::string::npos) continue;
        auto rest = text.substr(0, head_end);
        auto line_end = rest.find("\r\n");
        auto const first = rest.substr(0, line_end);
        seen.method = first.substr(0, first.find(' '));
        seen.target = first.substr(seen.method.size() + 1);
        seen.target = seen.target.substr(0, seen.target.find(' '));
        while (line_end != std::string::npos) {
            rest = rest.substr(line_end + 2);
            line_end = rest.find("\r\n");
            auto const line = rest.substr(0, line_end);
            auto const colon = line.find(": ");
            seen.headers[lower(line.substr(0, colon))] = line.substr(colon + 2);
        }
        auto const length = seen.header("content-length");
        need = head_end + 4 + (length.empty() ? 0 : std::stoul(length));
    }
    seen.body = text.substr(head_end + 4);
    return true;
}

std::string bytes_of(Reply const& reply) {
    if (!reply.raw.empty()) return reply.raw;
    return "HTTP/1.1 " + std::to_string(reply.status) + " X\r\nContent-Type: " + reply.type +
           "\r\nContent-Length: " + std::to_string(reply.body.size()) + "\r\n\r\n" + reply.body;
}

}  // namespace

TlsIdentity::TlsIdentity(std::string const& name) {
    auto const folder = "/tmp/rollbackctl-tls-" + std::to_string(::getpid()) + "-" + name;
    certificate_ = folder + ".crt";
    key_ = folder + ".key";
    std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> const key(
        EVP_EC_gen("P-256"), EVP_PKEY_free
    );
    std::unique_ptr<X509, decltype(&X509_free)> const made(X509_new(), X509_free);
    X509_set_version(made.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
    X509_set_pubkey(made.get(), key.get());
    auto* const subject = X509_get_subject_name(made.get());
    auto const* const text = reinterpret_cast<unsigned char const*>("rollbackd test");
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, text, -1, -1, 0);
    X509_set_issuer_name(made.get(), subject);
    bool const is_address = name.find_first_not_of("0123456789.") == std::string::npos;
    auto const san = (is_address ? "IP:" : "DNS:") + name;
    auto* const extension =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, san.c_str());
    X509_add_ext(made.get(), extension, -1);
    X509_EXTENSION_free(extension);
    REQUIRE(X509_sign(made.get(), key.get(), EVP_sha256()) > 0);
    std::unique_ptr<FILE, int (*)(FILE*)> const certificate(
        std::fopen(certificate_.c_str(), "w"), std::fclose
    );
    std::unique_ptr<FILE, int (*)(FILE*)> const secret(std::fopen(key_.c_str(), "w"), std::fclose);
    REQUIRE(PEM_write_X509(certificate.get(), made.get()) == 1);
    REQUIRE(
        PEM_write_PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1
    );
}

TlsIdentity::~TlsIdentity() {
    ::unlink(certificate_.c_str());
    ::unlink(key_.c_str());
}

FakeDaemon::FakeDaemon(Answering answering) : answering_(std::move(answering)) {
    std::uint16_t port = 0;
    listener_ = listen_on_loopback(port);
    url_ = "http://127.0.0.1:" + std::to_string(port);
    stop_ = ::eventfd(0, EFD_CLOEXEC);
    thread_ = std::thread([this] { serve(); });
}

FakeDaemon::FakeDaemon(TlsIdentity const& identity, Answering answering)
    : answering_(std::move(answering)) {
    (void)std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
    auto* const context = SSL_CTX_new(TLS_server_method());
    tls_ = std::shared_ptr<void>(context, [](void* made) {
        SSL_CTX_free(static_cast<SSL_CTX*>(made));
    });
    REQUIRE(SSL_CTX_use_certificate_chain_file(context, identity.certificate().c_str()) == 1);
    REQUIRE(SSL_CTX_use_PrivateKey_file(context, identity.key().c_str(), SSL_FILETYPE_PEM) == 1);
    std::uint16_t port = 0;
    listener_ = listen_on_loopback(port);
    url_ = "https://127.0.0.1:" + std::to_string(port);
    stop_ = ::eventfd(0, EFD_CLOEXEC);
    thread_ = std::thread([this] { serve(); });
}

FakeDaemon::FakeDaemon(std::string const& path, Answering answering)
    : answering_(std::move(answering)), url_("unix:" + path), path_(path) {
    listener_ = listen_on_path(path);
    stop_ = ::eventfd(0, EFD_CLOEXEC);
    thread_ = std::thread([this] { serve(); });
}

FakeDaemon::~FakeDaemon() {
    std::uint64_t const one = 1;
    (void)!::write(stop_, &one, sizeof one);
    thread_.join();
    ::close(listener_);
    ::close(stop_);
    if (!path_.empty()) ::unlink(path_.c_str());
}

void FakeDaemon::serve() {
    while (true) {
        pollfd waiting[2] = {{listener_, POLLIN, 0}, {stop_, POLLIN, 0}};
        if (::poll(waiting, 2, -1) < 0) continue;
        if (waiting[1].revents != 0) return;
        int const connection = ::accept(listener_, nullptr, nullptr);
        if (connection < 0) continue;
        answer(connection);
        ::close(connection);
    }
}

void FakeDaemon::answer(int connection) {
    Channel channel(connection, static_cast<SSL_CTX*>(tls_.get()));
    Seen seen;
    if (!channel.open() || !read_request(channel, seen)) return;
    {
        std::lock_guard const lock(mutex_);
        seen_.push_back(seen);
    }
    auto const reply = answering_(seen);
    if (reply.hang_up) return;
    auto const bytes = bytes_of(reply);
    for (std::string_view rest = bytes; !rest.empty();) {
        auto const sent = channel.write(rest);
        if (sent <= 0) return;
        rest.remove_prefix(static_cast<std::size_t>(sent));
    }
}

std::vector<Seen> FakeDaemon::seen() const {
    std::lock_guard const lock(mutex_);
    return seen_;
}

Seen FakeDaemon::only() const {
    auto const all = seen();
    REQUIRE(all.size() == 1);
    return all.front();
}

Answering by_line(std::map<std::string, Reply> answers) {
    return [answers = std::move(answers)](Seen const& seen) {
        auto const found = answers.find(seen.line());
        return found == answers.end() ? problem(404, "there is no " + seen.target) : found->second;
    };
}

Reply problem(int status, std::string const& detail) {
    return {
        status,
        to_text(JsonObject{{"type", "about:blank"}, {"status", status}, {"detail", detail}}),
        "application/problem+json",
        {},
        false
    };
}

std::string url_of_nobody() {
    std::uint16_t port = 0;
    ::close(listen_on_loopback(port));
    return "http://127.0.0.1:" + std::to_string(port);
}

}  // namespace rollbackd::cli::test
